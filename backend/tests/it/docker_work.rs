//! Commands, containers, images and volumes of our own, against a real engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mainstay::docker::{
    ByteStream, ContainerEngine, ContainerSpec, EngineError, Exec, ExecSpec, MountSource, OutputPiece, SpecMount,
    VolumeSpec,
};
use mainstay::domain::stack::ContainerState;
use tokio::time::timeout;

use crate::support::engine::{IMAGE, Lab, POLITE, Recipe};

/// No answer may take longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;

fn shell(script: &str) -> ExecSpec {
    ExecSpec { command: ["sh", "-c", script].map(str::to_owned).to_vec(), ..ExecSpec::default() }
}

/// Standard output and standard error of a stream, and whether an error ended it.
async fn read(mut output: mainstay::docker::OutputStream) -> (Vec<u8>, Vec<u8>, Option<EngineError>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = async {
        while let Some(piece) = output.next().await {
            match piece {
                Ok(OutputPiece::Out(bytes)) => out.extend_from_slice(&bytes),
                Ok(OutputPiece::Err(bytes)) => err.extend_from_slice(&bytes),
                Err(error) => return Some(error),
            }
        }
        None
    };
    let failure = timeout(PATIENCE, all).await.expect("the output ends");
    (out, err, failure)
}

async fn exit_code(lab: &Lab, exec: &str) -> Option<i64> {
    let ended = async {
        loop {
            let state = lab.engine.exec_state(exec).await.expect("a state");
            if !state.is_running {
                return state.exit_code;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, ended).await.expect("the command ends")
}

fn bytes_of(pieces: Vec<std::io::Result<Bytes>>) -> ByteStream {
    stream::iter(pieces).boxed()
}

#[tokio::test]
async fn a_command_tells_both_streams_and_its_exit_code() {
    let Some(lab) = Lab::open("commands in containers").await else { return };
    let name = lab.running("app", Recipe::default()).await;
    let mut spec = shell("echo out; echo err >&2; echo $GIVEN; id -u; exit 3");
    spec.env = vec![("GIVEN".to_owned(), "from outside".into())];
    spec.user = Some("7".to_owned());
    let Exec { id, output } = lab.engine.exec(&name, &spec).await.expect("begun");
    let (out, err, failure) = read(output).await;
    assert_eq!(String::from_utf8_lossy(&out), "out\nfrom outside\n7\n");
    assert_eq!(String::from_utf8_lossy(&err), "err\n");
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!(exit_code(&lab, &id).await, Some(3));
}

#[tokio::test]
async fn a_program_that_is_missing_ends_with_126_or_127() {
    let Some(lab) = Lab::open("a missing program").await else { return };
    let name = lab.running("app", Recipe::default()).await;
    let spec = ExecSpec { command: vec!["/no/such".to_owned()], ..ExecSpec::default() };
    let exec = lab.engine.exec(&name, &spec).await.expect("begun");
    let (out, err, _) = read(exec.output).await;
    assert!(!out.is_empty() || !err.is_empty(), "someone says why");
    let code = exit_code(&lab, &exec.id).await.expect("a code");
    assert!([126, 127].contains(&code), "{code}");
}

#[tokio::test]
async fn a_container_that_rests_runs_no_command() {
    let Some(lab) = Lab::open("a command in a resting container").await else { return };
    let name = lab.created("app", Recipe::default()).await;
    let Err(error) = lab.engine.exec(&name, &shell("true")).await else { panic!("it rests") };
    assert!(matches!(&error, EngineError::Rejected { message, .. } if message.contains("not running")), "{error}");
    let Err(error) = lab.engine.exec("mst-no-such", &shell("true")).await else { panic!("it is not there") };
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_command_is_fed_while_it_is_read() {
    let Some(lab) = Lab::open("feeding a command").await else { return };
    let name = lab.running("app", Recipe::default()).await;
    let pieces: Vec<Bytes> = (0..32_u8).map(|n| Bytes::from(vec![n; MIB])).collect();
    let input = bytes_of(pieces.iter().cloned().map(Ok).collect());
    // `cat` echoes all of it: neither side may wait for the other. The number after it says that it saw the end.
    let spec = shell("cat; echo done >&2");
    let exec = lab.engine.exec_with_input(&name, &spec, input).await.expect("begun");
    let (out, err, failure) = read(exec.output).await;
    assert!(out == pieces.concat(), "{} bytes came back", out.len());
    assert_eq!((err.as_slice(), failure.is_none()), (&b"done\n"[..], true));
    assert_eq!(exit_code(&lab, &exec.id).await, Some(0));
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_still_ends() {
    let Some(lab) = Lab::open("an input that nobody reads").await else { return };
    let name = lab.running("app", Recipe::default()).await;
    let endless = stream::repeat_with(|| Ok(Bytes::from(vec![7; MIB]))).boxed();
    let exec = lab.engine.exec_with_input(&name, &shell("echo no; exit 5"), endless).await.expect("begun");
    let (out, ..) = read(exec.output).await;
    assert_eq!(String::from_utf8_lossy(&out), "no\n");
    assert_eq!(exit_code(&lab, &exec.id).await, Some(5));
}

#[tokio::test]
async fn an_input_that_breaks_off_is_an_error() {
    let Some(lab) = Lab::open("an input that breaks off").await else { return };
    let name = lab.running("app", Recipe::default()).await;
    let input = bytes_of(vec![Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("the disk is gone"))]);
    let exec = lab.engine.exec_with_input(&name, &shell("cat >/dev/null"), input).await.expect("begun");
    let (.., failure) = read(exec.output).await;
    assert!(failure.is_some_and(|error| error.to_string().contains("the disk is gone")));
}

fn spec(lab: &Lab, suffix: &str, script: &str) -> ContainerSpec {
    let name = lab.name(suffix);
    lab.adopt_container(&name);
    ContainerSpec {
        name,
        image: IMAGE.to_owned(),
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        labels: BTreeMap::from([("mainstay.test".to_owned(), "1".to_owned())]),
        ..ContainerSpec::default()
    }
}

#[tokio::test]
async fn a_container_of_our_own_is_made_followed_and_removed() {
    let Some(lab) = Lab::open("containers of our own").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("in"), "from the host\n").expect("a file");
    let mut spec = spec(&lab, "tool", "cat /backup/in; echo $SECRET >&2; sleep 0.3; echo late; exit 42");
    spec.env = vec![("SECRET".to_owned(), "hunter2".into())];
    spec.mounts = vec![SpecMount {
        source: MountSource::HostPath(directory.path().to_owned()),
        destination: "/backup".into(),
        is_read_only: true,
    }];
    (spec.memory_bytes, spec.milli_cpus) = (Some(32 << 20), Some(500));
    let id = lab.engine.create_container(&spec).await.expect("made");
    lab.engine.start_container(&id).await.expect("started");
    let output = lab.engine.container_output(&id).await.expect("an output");
    let ((out, err, failure), code) = tokio::join!(read(output), lab.engine.wait_container(&id));
    assert_eq!(String::from_utf8_lossy(&out), "from the host\nlate\n");
    assert_eq!((err.as_slice(), failure.is_none()), (&b"hunter2\n"[..], true));
    assert_eq!(code.expect("a code"), 42);

    let detail = lab.engine.inspect_container(&spec.name).await.expect("the container");
    assert_eq!((detail.container.id.as_str(), detail.exit_code), (id.as_str(), Some(42)));
    assert_eq!(detail.redacted.pointer("/HostConfig/Memory"), Some(&serde_json::json!(32 << 20)));
    assert_eq!(detail.redacted.pointer("/HostConfig/NanoCpus"), Some(&serde_json::json!(500_000_000)));
    assert!(!detail.redacted.to_string().contains("hunter2"), "the answer hides variables");

    lab.engine.remove_container(&id).await.expect("removed");
    lab.engine.remove_container(&id).await.expect("gone is well");
    assert!(matches!(lab.engine.inspect_container(&id).await, Err(EngineError::NotFound { .. })));
}

#[tokio::test]
async fn a_running_container_is_removed_and_the_wait_for_it_ends() {
    let Some(lab) = Lab::open("removing a running container").await else { return };
    let id = lab.engine.create_container(&spec(&lab, "tool", POLITE)).await.expect("made");
    lab.engine.start_container(&id).await.expect("started");
    let (waited, removed) = tokio::join!(timeout(PATIENCE, lab.engine.wait_container(&id)), async {
        lab.engine.remove_container(&id).await
    });
    removed.expect("removed");
    assert!(matches!(waited.expect("the wait ends"), Ok(137) | Err(EngineError::NotFound { .. })));
}

#[tokio::test]
async fn what_cannot_be_made_says_why() {
    let Some(lab) = Lab::open("containers that cannot be made").await else { return };
    let mut no_image = spec(&lab, "a", "true");
    no_image.image = "mainstay-test/no-such:local".to_owned();
    let error = lab.engine.create_container(&no_image).await.expect_err("no image");
    assert!(error.to_string().contains("knows no image 'mainstay-test/no-such:local'"), "{error}");

    let mut no_path = spec(&lab, "b", "true");
    let source = MountSource::HostPath("/no/such/directory".into());
    no_path.mounts = vec![SpecMount { source, destination: "/backup".into(), is_read_only: false }];
    let error = lab.engine.create_container(&no_path).await.expect_err("no source");
    assert!(error.to_string().contains("/no/such/directory"), "{error}");
}

/// A tar with one file, made by hand: the archive API takes any.
fn tar_with(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

#[tokio::test]
async fn a_volume_is_filled_through_a_container_that_never_ran() {
    let Some(lab) = Lab::open("filling a volume").await else { return };
    let volume = lab.name("filled");
    lab.adopt_volume(&volume);
    let labels = BTreeMap::from([("mainstay.test".to_owned(), "1".to_owned())]);
    for _ in 0..2 {
        lab.engine.create_volume(&VolumeSpec::labelled(&volume, labels.clone())).await.expect("made, or there");
    }
    let mount =
        SpecMount { source: MountSource::Volume(volume.clone()), destination: "/v".into(), is_read_only: false };
    let mut filler = spec(&lab, "filler", "true");
    filler.mounts = vec![mount.clone()];
    let id = lab.engine.create_container(&filler).await.expect("made");
    let tar = tar_with("hello", b"from a tar\n");
    let halves = tar.chunks(300).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    lab.engine.put_archive(&id, Path::new("/v"), bytes_of(halves)).await.expect("unpacked");

    let mut reader = spec(&lab, "reader", "cat /v/hello");
    reader.mounts = vec![mount];
    let reader = lab.engine.create_container(&reader).await.expect("made");
    lab.engine.start_container(&reader).await.expect("started");
    assert_eq!(lab.engine.wait_container(&reader).await.expect("a code"), 0);
    let (out, ..) = read(lab.engine.container_output(&reader).await.expect("an output")).await;
    assert_eq!(String::from_utf8_lossy(&out), "from a tar\n");

    assert!(lab.engine.remove_volume(&volume).await.is_err(), "it is in use");
    for id in [&id, &reader] {
        lab.engine.remove_container(id).await.expect("removed");
    }
    lab.engine.remove_volume(&volume).await.expect("removed");
    lab.engine.remove_volume(&volume).await.expect("gone is well");
}

#[tokio::test]
async fn an_archive_that_breaks_off_is_an_error() {
    let Some(lab) = Lab::open("an archive that breaks off").await else { return };
    let id = lab.engine.create_container(&spec(&lab, "filler", "true")).await.expect("made");
    let tar = tar_with("hello", &[7; 9_000]);
    let pieces = vec![Ok(Bytes::copy_from_slice(&tar[..4_000])), Err(std::io::Error::other("the disk is gone"))];
    let outcome = timeout(PATIENCE, lab.engine.put_archive(&id, Path::new("/tmp"), bytes_of(pieces))).await;
    assert!(outcome.expect("an answer").is_err());
    let missing = lab.engine.put_archive(&id, Path::new("/no/such"), bytes_of(vec![Ok(Bytes::from(tar))])).await;
    assert!(missing.is_err(), "no such directory");
}

#[tokio::test]
async fn an_image_is_looked_at_and_a_missing_one_cannot_be_pulled() {
    let Some(lab) = Lab::open("images").await else { return };
    let image = lab.engine.inspect_image(IMAGE).await.expect("the image");
    assert!(image.id.starts_with("sha256:"), "{image:?}");
    assert_eq!(lab.engine.inspect_image(&image.id).await.expect("by its id"), image);
    let missing = "127.0.0.1:1/no/such:local";
    assert!(matches!(lab.engine.inspect_image(missing).await, Err(EngineError::NotFound { .. })));
    let error = lab.engine.pull_image(missing, None, &|_| {}).await.expect_err("nobody is there");
    assert!(error.to_string().contains("pull image '127.0.0.1:1/no/such:local'"), "{error}");
    assert!(matches!(lab.engine.inspect_image("../x").await, Err(EngineError::InvalidName(_))));
}

#[tokio::test]
async fn a_container_that_never_ran_prints_nothing() {
    let Some(lab) = Lab::open("the output of a container that never ran").await else { return };
    let id = lab.engine.create_container(&spec(&lab, "tool", "echo x")).await.expect("made");
    let (out, err, failure) = read(lab.engine.container_output(&id).await.expect("an output")).await;
    assert!(out.is_empty() && err.is_empty() && failure.is_none(), "{failure:?}");
    let state = lab.engine.inspect_container(&id).await.expect("the container").container.state;
    assert_eq!(state, ContainerState::Created);
}
