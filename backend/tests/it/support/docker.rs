//! The bare command line of Docker, as a user types it.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs `docker` and returns what it printed; fails the test when it fails.
pub(crate) fn docker(args: &[&str]) -> String {
    shell("docker \"$@\"", args, &[])
}

/// Runs `sh` in a container.
pub(crate) fn in_container(name: &str, script: &str) -> String {
    docker(&["exec", name, "sh", "-c", script])
}

/// Runs a shell script with arguments and standard input, and returns what it printed; fails the test when it fails.
pub(crate) fn shell(script: &str, args: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a shell");
    let mut stdin = child.stdin.take().expect("piped");
    // A script that reads nothing may have closed it.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
