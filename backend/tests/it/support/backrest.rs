//! A server that behaves as Backrest's API does, as far as Mainstay uses it.
//!
//! It keeps a configuration with a counter, refuses what Backrest refuses (`backrest_rules.rs`), throws its queue away
//! at every save, forgets members that it does not know, and masks what Backrest masks. A test says what goes wrong at
//! which call. Backrest itself was never asked: the rules are those of its documented behaviour.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use super::backrest_rules::{find_mistakes, normalise};

/// What Backrest shows instead of a password's hash.
const MASK: &str = "********";

/// What goes wrong at a call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// An answer with this status and a page for people.
    Status(u16),
    /// No answer, for as long as anybody waits.
    Hang,
    /// Someone else saves a plan with this id first.
    SaveByOther(&'static str),
    /// The save is kept, and nobody who plans runs hears of it.
    Unheard,
    /// The save is answered as taken, and is not.
    Lost,
}

/// A Backrest for one test; it ends with it.
pub(crate) struct FakeBackrest {
    address: String,
    shared: Shared,
    handle: ServerHandle,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

struct State {
    config: Value,
    modno: i64,
    operations: Vec<Value>,
    next_id: u64,
    calls: Vec<String>,
    faults: Vec<(String, usize, Fault)>,
    /// What an `Authorization` has to be, where authentication is on.
    authorization: Option<String>,
    saves: usize,
    thrown_away: Vec<Value>,
}

impl Drop for FakeBackrest {
    fn drop(&mut self) {
        // Sent at once; nobody waits for the end.
        drop(self.handle.stop(false));
    }
}

impl FakeBackrest {
    /// Runs one with a configuration, whose counter is its `modno`.
    pub(crate) fn start(config: Value) -> Self {
        let mut config = config;
        let modno = config.as_object_mut().and_then(|top| top.remove("modno")).and_then(|n| n.as_i64()).unwrap_or(0);
        let state = State {
            config: normalise(&config),
            modno,
            operations: Vec::new(),
            next_id: 1,
            calls: Vec::new(),
            faults: Vec::new(),
            authorization: None,
            saves: 0,
            thrown_away: Vec::new(),
        };
        let shared = Shared(Arc::new(Mutex::new(state)));
        shared.state().plan_runs();
        let data = web::Data::new(shared.clone());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("a port");
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, shared, handle }
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Says what goes wrong at the `nth` call of a method, counted from 1.
    pub(crate) fn fault(&self, method: &str, nth: usize, fault: Fault) {
        self.shared.state().faults.push((method.to_owned(), nth, fault));
    }

    /// From now on every call needs this `Authorization`.
    pub(crate) fn require(&self, authorization: &str) {
        self.shared.state().authorization = Some(authorization.to_owned());
    }

    /// Adds an operation to the history or the queue.
    pub(crate) fn add_operation(&self, operation: Value) {
        self.shared.state().add_operation(operation);
    }

    /// Ends all operations that are in progress, as long ago.
    pub(crate) fn end_operations(&self) {
        for operation in &mut self.shared.state().operations {
            if operation["status"] == "STATUS_INPROGRESS" {
                operation["status"] = json!("STATUS_SUCCESS");
                operation["unixTimeEndMs"] = json!("1000");
            }
        }
    }

    /// The configuration, as it would be written to the disk.
    pub(crate) fn config(&self) -> Value {
        self.shared.state().config.clone()
    }

    /// The ids of its plans.
    pub(crate) fn plan_ids(&self) -> Vec<String> {
        let config = self.config();
        let plans = config["plans"].as_array().into_iter().flatten();
        plans.map(|plan| plan["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How often a configuration was saved; every time the queue was thrown away.
    pub(crate) fn saves(&self) -> usize {
        self.shared.state().saves
    }

    /// Operations that were queued and that a save threw away.
    pub(crate) fn thrown_away(&self) -> Vec<Value> {
        self.shared.state().thrown_away.clone()
    }

    /// The methods that were called, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.shared.state().calls.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics with it")
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    if request.path() == "/" {
        return HttpResponse::Ok().body("<!doctype html><title>Backrest</title>");
    }
    let Some(method) = request.path().strip_prefix("/v1.Backrest/").map(str::to_owned) else {
        return HttpResponse::NotFound().finish();
    };
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (fault, is_allowed) = {
        let mut state = shared.state();
        let fault = state.note(&method);
        (fault, state.authorization.is_none() || state.authorization == sent)
    };
    if !is_allowed {
        return HttpResponse::Unauthorized().body("unauthorized\n");
    }
    match &fault {
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(*status).expect("a status");
            return HttpResponse::build(status).body("<html>as scripted, with SECRET-OF-THE-PAGE</html>");
        }
        Some(Fault::Hang) => tokio::time::sleep(Duration::from_secs(3600)).await,
        _ => {}
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refuse(400, "invalid_argument", "the body is no JSON");
    };
    shared.state().call(&method, &body, fault.as_ref())
}

fn refuse(status: u16, code: &str, message: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).json(json!({"code": code, "message": message}))
}

impl State {
    /// Writes a call down; what goes wrong at it.
    fn note(&mut self, method: &str) -> Option<Fault> {
        self.calls.push(method.to_owned());
        let nth = self.calls.iter().filter(|call| *call == method).count();
        self.faults.iter().find(|(of, at, _)| of == method && *at == nth).map(|(.., fault)| fault.clone())
    }

    fn call(&mut self, method: &str, body: &Value, fault: Option<&Fault>) -> HttpResponse {
        match method {
            "GetConfig" => HttpResponse::Ok().json(self.shown()),
            "SetConfig" => self.save(body, fault),
            "GetOperations" => self.list_operations(body),
            "Backup" => self.run_plan(body),
            _ => refuse(404, "unimplemented", "no such method"),
        }
    }

    /// The configuration for clients.
    fn shown(&self) -> Value {
        let mut config = self.config.clone();
        config["modno"] = json!(self.modno);
        for user in config.pointer_mut("/auth/users").and_then(Value::as_array_mut).into_iter().flatten() {
            user["passwordBcrypt"] = json!(MASK);
        }
        config
    }

    fn save(&mut self, body: &Value, fault: Option<&Fault>) -> HttpResponse {
        if let Some(Fault::SaveByOther(id)) = fault {
            let plan = json!({"id": id, "repo": self.config["repos"][0]["id"], "paths": ["/theirs"]});
            let plans = self.config["plans"].as_array_mut().expect("plans");
            plans.retain(|known| known["id"] != *id);
            plans.push(plan);
            self.modno += 1;
        }
        let modno = body["modno"].as_i64().or_else(|| body["modno"].as_str()?.parse().ok()).unwrap_or(0);
        if modno != self.modno {
            return refuse(400, "failed_precondition", "config modno mismatch, reload and try again");
        }
        let mistakes = find_mistakes(body);
        if !mistakes.is_empty() {
            return refuse(400, "invalid_argument", &format!("validation error: {}", mistakes.join("; ")));
        }
        if matches!(fault, Some(Fault::Lost)) {
            return HttpResponse::Ok().json(self.shown());
        }
        let mut config = normalise(body);
        self.unmask(&mut config);
        config.as_object_mut().expect("an object").remove("modno");
        self.config = config;
        self.modno += 1;
        self.saves += 1;
        if !matches!(fault, Some(Fault::Unheard)) {
            self.plan_runs();
        }
        HttpResponse::Ok().json(self.shown())
    }

    /// A mask that comes back unchanged stands for what it hides.
    fn unmask(&self, config: &mut Value) {
        let known = self.config.pointer("/auth/users").cloned().unwrap_or_default();
        for user in config.pointer_mut("/auth/users").and_then(Value::as_array_mut).into_iter().flatten() {
            let hidden = known.as_array().into_iter().flatten().find(|known| known["name"] == user["name"]);
            if let Some(hidden) = hidden.filter(|_| user["passwordBcrypt"] == MASK) {
                *user = hidden.clone();
            }
        }
    }

    /// Throws the queue away, and plans the next run of everything that has a schedule. A repository that is still to be
    /// made has the whole configuration not planned.
    fn plan_runs(&mut self) {
        let is_pending = |operation: &Value| operation["status"] == "STATUS_PENDING";
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.operations).into_iter().partition(is_pending);
        self.operations = kept;
        let is_due = |operation: &Value| operation["unixTimeStartMs"] != FAR;
        self.thrown_away.extend(gone.into_iter().filter(is_due));
        let repos = self.config["repos"].as_array().cloned().unwrap_or_default();
        if repos.iter().any(|repo| repo["guid"].as_str().unwrap_or_default().is_empty()) {
            return;
        }
        for plan in self.config["plans"].as_array().cloned().unwrap_or_default() {
            let schedule = &plan["schedule"];
            if schedule.is_object() && schedule["disabled"] != true {
                let next = json!({"planId": plan["id"], "status": "STATUS_PENDING", "unixTimeStartMs": FAR,
                    "operationBackup": {}});
                self.add_operation(next);
            }
        }
    }

    fn add_operation(&mut self, mut operation: Value) {
        operation["id"] = json!(self.next_id.to_string());
        operation["instanceId"] = self.config["instance"].clone();
        self.next_id += 1;
        self.operations.push(operation);
    }

    fn list_operations(&self, body: &Value) -> HttpResponse {
        let Some(selector) = body["selector"].as_object().filter(|selector| !selector.is_empty()) else {
            return refuse(500, "unknown", "empty selector");
        };
        let fits = |operation: &&Value| selector.iter().all(|(name, value)| &operation[name.as_str()] == value);
        let newest = body["lastN"].as_str().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        let found: Vec<&Value> = self.operations.iter().filter(fits).collect();
        let from = found.len().saturating_sub(newest);
        HttpResponse::Ok().json(json!({"operations": found[from..]}))
    }

    fn run_plan(&mut self, body: &Value) -> HttpResponse {
        let plans = self.config["plans"].as_array().cloned().unwrap_or_default();
        if !plans.iter().any(|plan| plan["id"] == body["value"]) {
            return refuse(404, "not_found", "no such plan");
        }
        let run = json!({"planId": body["value"], "status": "STATUS_SUCCESS", "unixTimeEndMs": "1000",
            "operationBackup": {}});
        self.add_operation(run);
        HttpResponse::Ok().json(json!({}))
    }
}

/// When the next run of every plan is: in the year 2100.
const FAR: &str = "4102444800000";
