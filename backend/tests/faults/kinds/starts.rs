//! Starts that fail after a stop that went well. The job says which and why, and the container comes back as soon as it
//! can, without anybody's help.

use std::time::Duration;

use bollard::models::{NetworkConnectRequest, NetworkCreateRequest};
use serde_json::Value;

use crate::cx::Cx;
use crate::host::Host;
use crate::rig::{Rig, Setup};
use crate::served::{Launch, Served};
use crate::stack::{POLITE, Part, Stack};

/// A place at which the whole stack is at rest.
const AT_REST: &str = "capture.before";
/// How long it may take after the obstacle is gone: the pauses between attempts grow.
const BACK: Duration = Duration::from_secs(60);

/// The usual stack with another `app`.
fn with_app(app: Part) -> Vec<Part> {
    let part = |part: Part| if part.service == "app" { app.clone() } else { part };
    Stack::usual().into_iter().map(part).collect()
}

/// The job ends, names the container and the reason, and everything else runs.
async fn is_told(rig: &Rig, served: &Served, id: &str, reason: &str) -> Value {
    let job = served.end_of(id).await;
    assert_eq!(job["state"], "partial", "{job:#}");
    let error = job["error"].as_str().expect("an error");
    assert!(error.contains(&rig.container("app")) && error.contains(reason), "'{reason}' is not in: {error}");
    assert!(rig.now().await.is_up(&rig.container("db")), "the others are not kept down");
    job
}

pub(super) async fn port_taken(cx: Cx) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let rig = Setup::new().parts(with_app(Part { port: Some(port), ..Part::new("app").needs("db") })).up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    let thief = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free while the stack rests");
    rig.open_gate();
    is_told(&rig, &served, &id, "address already in use").await;
    drop(thief);
    rig.is_well(BACK).await;
    rig.conclude_with_backup(served).await;
}

pub(super) async fn network_gone(cx: Cx) {
    let host = Host::usual();
    // Cleared away with the stack of this name.
    let network = format!("{}-net", cx.name());
    cx.made(&host, network.trim_end_matches("-net"));
    let make = async || {
        let request = NetworkCreateRequest { name: network.clone(), ..NetworkCreateRequest::default() };
        host.docker.create_network(request).await.expect("a network");
    };
    make().await;
    let app = Part { network: Some(network.clone()), ..Part::new("app").needs("db") };
    let rig = Setup::new().parts(with_app(app)).up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    host.docker.remove_network(&network).await.expect("removed");
    rig.open_gate();
    is_told(&rig, &served, &id, "network").await;
    // The container knows the network by its id, so somebody has to connect it anew.
    make().await;
    let container = NetworkConnectRequest { container: rig.container("app"), ..NetworkConnectRequest::default() };
    host.docker.connect_network(&network, container).await.expect("connected");
    rig.is_well(BACK).await;
    rig.conclude(served).await;
}

/// A file cannot be mounted over a directory. The container comes back while its job still publishes.
pub(super) async fn mount_in_the_way(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.spawn(&Launch::paused_until("publish.before", &rig.gate())).ready().await;
    let mut events = rig.host.watch(&rig.container("app"));
    let id = served.begin(&rig.stack.name).await;
    events.until("die").await;
    let (data, aside) = (rig.directory().join("data"), rig.path("aside"));
    std::fs::rename(&data, &aside).expect("moved");
    std::fs::write(&data, "in the way").expect("written");
    served.paused_at("publish.before").await;
    assert!(!rig.now().await.is_up(&rig.container("app")), "nothing is in its way");
    std::fs::remove_file(&data).expect("removed");
    std::fs::rename(&aside, &data).expect("moved back");
    rig.is_well(BACK).await;
    rig.open_gate();
    is_told(&rig, &served, &id, "mount").await;
    rig.conclude(served).await;
}

pub(super) async fn dies(cx: Cx) {
    let script = format!("[ -e /srv/poison ] && exit 3; {POLITE}");
    let rig = Setup::new().parts(with_app(Part::new("app").needs("db").script(&script))).up(&cx).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    let poison = rig.directory().join("data/poison");
    std::fs::write(&poison, "").expect("written");
    rig.open_gate();
    is_told(&rig, &served, &id, "exit code 3").await;
    std::fs::remove_file(&poison).expect("removed");
    rig.is_well(BACK).await;
    rig.conclude_with_backup(served).await;
}

pub(super) async fn unhealthy(cx: Cx) {
    let health = Some("[ ! -e /srv/sick ]".to_owned());
    let rig = Setup::new().parts(with_app(Part { health, ..Part::new("app").needs("db") })).up(&cx).await;
    rig.host.is_healthy(&rig.container("app")).await;
    let (served, id) = rig.pause_at(AT_REST).await;
    let sick = rig.directory().join("data/sick");
    std::fs::write(&sick, "").expect("written");
    rig.open_gate();
    is_told(&rig, &served, &id, "healthy").await;
    rig.is_well(Duration::ZERO).await;
    std::fs::remove_file(&sick).expect("removed");
    rig.host.is_healthy(&rig.container("app")).await;
    rig.conclude_with_backup(served).await;
}
