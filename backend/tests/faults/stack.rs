//! The stacks that faults strike: small, quick to stop and to start, and with content that can be compared.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};

use crate::host::{Host, PROJECT};

/// The image of nearly all containers: a static busybox that the test run imports.
pub(crate) const IMAGE: &str = "mainstay-test/busybox:local";
/// A process that ends at once when it is told to.
pub(crate) const POLITE: &str = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
/// A process that does not listen.
pub(crate) const DEAF: &str = "trap '' TERM; while :; do sleep 0.05; done";
/// Fills its volume once, then writes a line ten times a second, and one more when it is told to end.
const WRITER: &str = "[ -e /data/payload ] || { head -c 300000 /dev/urandom > /data/new; mv /data/new /data/payload; }; \
                      trap 'echo end >> /data/log; exit 0' TERM; echo begin >> /data/log; \
                      i=0; while :; do i=$((i+1)); echo line $i >> /data/log; sleep 0.1; done";

/// What one service of a stack is like.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) service: &'static str,
    pub(crate) image: &'static str,
    pub(crate) script: String,
    pub(crate) needs: &'static str,
    pub(crate) stop_timeout: i64,
    /// Mounts, `source:destination`.
    pub(crate) binds: Vec<String>,
    /// A port of the host that it publishes.
    pub(crate) port: Option<u16>,
    /// The network it is in; the engine's default when absent.
    pub(crate) network: Option<String>,
    /// A command that tells whether it is well, once a second.
    pub(crate) health: Option<String>,
    pub(crate) restart: Option<RestartPolicyNameEnum>,
    /// Whether it is started when the stack is made.
    pub(crate) is_up: bool,
}

impl Part {
    /// A service that does nothing and ends at once.
    pub(crate) fn new(service: &'static str) -> Self {
        Self {
            service,
            image: IMAGE,
            script: POLITE.to_owned(),
            needs: "",
            stop_timeout: 1,
            binds: Vec::new(),
            port: None,
            network: None,
            health: None,
            restart: None,
            is_up: true,
        }
    }

    pub(crate) fn needs(self, needs: &'static str) -> Self {
        Self { needs, ..self }
    }

    pub(crate) fn script(self, script: &str) -> Self {
        Self { script: script.to_owned(), ..self }
    }

    pub(crate) fn stopped(self) -> Self {
        Self { is_up: false, ..self }
    }
}

/// A stack that was made.
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) volume: String,
    parts: Vec<Part>,
}

impl Stack {
    /// `db`, which writes to a volume; `app`, which needs it and has a directory of the stack mounted; and `spare`,
    /// which is not up and must never be.
    pub(crate) fn usual() -> Vec<Part> {
        vec![Part::new("db").script(WRITER), Part::new("app").needs("db"), Part::new("spare").stopped()]
    }

    /// The usual one with a third service that runs.
    pub(crate) fn of_three() -> Vec<Part> {
        let mut parts = Self::usual();
        parts.push(Part::new("web").needs("app"));
        parts
    }

    /// Writes the stack's directory below `stacks`, makes its volume and containers, and starts them.
    pub(crate) async fn up(host: &Host, stacks: &Path, name: &str, mut parts: Vec<Part>) -> Self {
        let directory = stacks.join(name);
        std::fs::create_dir_all(directory.join("data")).expect("made");
        std::fs::write(directory.join("data/page.html"), "<h1>hello</h1>\n").expect("written");
        std::fs::write(directory.join("compose.yaml"), compose(&parts)).expect("written");
        let volume = format!("{name}-db");
        host.make_volume(&volume).await;
        for part in &mut parts {
            match part.service {
                "db" => part.binds.push(format!("{volume}:/data")),
                "app" if part.binds.is_empty() => part.binds.push(format!("{}/data:/srv", directory.display())),
                _ => {}
            }
        }
        let stack = Self { name: name.to_owned(), volume, parts };
        for part in &stack.parts {
            stack.make(host, &directory, part).await;
        }
        for part in stack.parts.iter().filter(|part| part.is_up) {
            host.start(&stack.container(part.service)).await;
        }
        stack.wait_for_data(host).await;
        stack
    }

    /// The name of a service's container.
    pub(crate) fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.name)
    }

    /// Makes the container of a service once more, as Compose does after a change.
    pub(crate) async fn remake(&self, host: &Host, directory: &Path, service: &str) {
        let part = self.parts.iter().find(|part| part.service == service).expect("a service");
        self.make(host, directory, part).await;
    }

    async fn make(&self, host: &Host, directory: &Path, part: &Part) {
        host.make_container(&self.container(part.service), body(&self.name, directory, part)).await;
    }

    async fn wait_for_data(&self, host: &Host) {
        if !self.parts.iter().any(|part| part.service == "db" && part.is_up) {
            return;
        }
        let payload = host.volume_path(&self.volume).await.join("payload");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !payload.exists() {
            assert!(std::time::Instant::now() < deadline, "the writer writes nothing");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

fn body(stack: &str, directory: &Path, part: &Part) -> ContainerCreateBody {
    let second = 1_000_000_000;
    let health = part.health.as_ref().map(|command| HealthConfig {
        test: Some(vec!["CMD-SHELL".to_owned(), command.clone()]),
        interval: Some(second),
        retries: Some(1),
        ..HealthConfig::default()
    });
    let bindings = part.port.map(|port| {
        let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.to_string()) };
        HashMap::from([("80/tcp".to_owned(), Some(vec![binding]))])
    });
    let host_config = HostConfig {
        binds: Some(part.binds.clone()),
        port_bindings: bindings,
        network_mode: part.network.clone(),
        restart_policy: part.restart.map(|name| RestartPolicy { name: Some(name), maximum_retry_count: None }),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(part.image.to_owned()),
        cmd: Some(["sh", "-c", part.script.as_str()].map(str::to_owned).to_vec()),
        labels: Some(labels(stack, directory, part)),
        healthcheck: health,
        stop_timeout: Some(part.stop_timeout),
        exposed_ports: part.port.map(|_| vec!["80/tcp".to_owned()]),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

/// Those of Compose 2, and the one by which a test run clears away what it made.
fn labels(stack: &str, directory: &Path, part: &Part) -> HashMap<String, String> {
    let at = directory.display().to_string();
    let needs = if part.needs.is_empty() { String::new() } else { format!("{}:service_started:false", part.needs) };
    let pairs = [
        ("mainstay.test", "1".to_owned()),
        (PROJECT, stack.to_owned()),
        ("com.docker.compose.service", part.service.to_owned()),
        ("com.docker.compose.container-number", "1".to_owned()),
        ("com.docker.compose.oneoff", "False".to_owned()),
        ("com.docker.compose.project.config_files", format!("{at}/compose.yaml")),
        ("com.docker.compose.project.working_dir", at),
        ("com.docker.compose.depends_on", needs),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn compose(parts: &[Part]) -> String {
    let service = |part: &Part| {
        let needs = if part.needs.is_empty() { String::new() } else { format!("    depends_on: [{}]\n", part.needs) };
        format!("  {}:\n    image: {}\n{needs}", part.service, part.image)
    };
    format!("services:\n{}", parts.iter().map(service).collect::<String>())
}
