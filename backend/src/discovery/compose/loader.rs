//! Following the files of a stack: overrides, `include`, `extends`, `env_file`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::dotenv::{self, Env};
use super::files::{self, FileError, join_clean};
use super::project::normalise_project_name;
use super::service::{extend, parse_env_files, parse_service, parse_volume};
use super::{Compose, ComposeService, MAX_FILES, yaml};

/// The longest chain of `extends` that is followed.
const MAX_EXTENDS: usize = 20;
/// The most warnings that are kept for one stack.
const MAX_WARNINGS: usize = 50;

/// Files that are read together, with the directory that their relative paths start from.
struct Layer<'a> {
    files: &'a [PathBuf],
    base: &'a Path,
    env: &'a Env,
}

/// A service within the file it is written in.
struct Place<'a> {
    document: &'a Value,
    file: &'a Path,
    base: &'a Path,
    env: &'a Env,
}

/// Reads one stack.
pub(super) struct Loader<'a> {
    root: &'a Path,
    parsed: BTreeMap<PathBuf, Option<Value>>,
    has_too_many: bool,
    found: Compose,
}

impl<'a> Loader<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, parsed: BTreeMap::new(), has_too_many: false, found: Compose::default() }
    }

    pub(super) fn load(mut self, explicit: Option<&[PathBuf]>) -> Compose {
        let env = self.read_env(&self.root.join(".env"));
        let files = match explicit {
            Some(files) => files.to_vec(),
            None => self.choose_files(&env),
        };
        if let Some(base) = files.first().and_then(|file| file.parent()) {
            let name = self.load_layer(&Layer { files: &files, base, env: &env }, &mut Vec::new());
            self.set_project(env.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()).or(name.as_ref()));
        }
        self.follow_links();
        self.mark_outside();
        self.found
    }

    fn warn(&mut self, message: String) {
        if self.found.warnings.len() < MAX_WARNINGS && !self.found.warnings.contains(&message) {
            self.found.warnings.push(message);
        }
    }

    /// The path for people: relative to the stack directory where it lies within.
    fn show(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).display().to_string()
    }

    fn choose_files(&mut self, env: &Env) -> Vec<PathBuf> {
        if let Some(list) = env.get("COMPOSE_FILE").filter(|list| !list.is_empty()) {
            let separator = env.get("COMPOSE_PATH_SEPARATOR").filter(|s| !s.is_empty()).map_or(":", String::as_str);
            let list = dotenv::interpolate(list, env);
            return list.split(separator).filter(|p| !p.is_empty()).map(|path| join_clean(self.root, path)).collect();
        }
        let choice = files::choose_default(self.root);
        if let (Some(first), false) = (choice.chosen.first(), choice.ignored.is_empty()) {
            let (first, ignored) = (self.show(first), choice.ignored.join(", "));
            self.warn(format!("there are several compose files: Compose uses {first} and ignores {ignored}"));
        }
        choice.chosen
    }

    fn set_project(&mut self, name: Option<&String>) {
        let Some(name) = name else { return };
        let normalised = normalise_project_name(name).filter(|_| !dotenv::has_variable(name));
        match &normalised {
            Some(project) if project == name => {}
            Some(project) => {
                self.warn(format!("'{name}' is not a project name that Compose accepts; it is read as '{project}'"));
            }
            None => self.warn(format!("'{name}' is not a project name; the directory's name is used")),
        }
        self.found.project = normalised;
    }

    /// Reads a `.env` that may be missing.
    fn read_env(&mut self, path: &Path) -> Env {
        match files::read_bounded(path) {
            Ok(bytes) => {
                add(&mut self.found.env_files, path);
                dotenv::parse(&String::from_utf8_lossy(&bytes))
            }
            Err(FileError::Missing) => Env::new(),
            Err(error) => {
                let name = self.show(path);
                self.warn(format!("the file {name} is left out: {error}"));
                Env::new()
            }
        }
    }

    /// Reads a compose file once; `None` when it cannot be read, which has been said then.
    fn parse_file(&mut self, path: &Path) -> Option<Value> {
        if let Some(known) = self.parsed.get(path) {
            return known.clone();
        }
        if self.parsed.len() >= MAX_FILES {
            if !self.has_too_many {
                self.has_too_many = true;
                self.warn(format!("only the first {MAX_FILES} files of the stack are followed"));
            }
            return None;
        }
        let name = self.show(path);
        let result = files::read_bounded(path).map_err(|error| match error {
            FileError::Missing => format!("the compose file {name} does not exist"),
            other => format!("the compose file {name} is left out: {other}"),
        });
        if result.is_ok() {
            // A broken file is still one of the stack's, and is captured with it.
            add(&mut self.found.files, path);
        }
        let parsed = result.and_then(|bytes| {
            let value = yaml::parse(&bytes).map_err(|error| format!("the compose file {name} is broken: {error}"))?;
            if value.is_mapping() { Ok(value) } else { Err(format!("the compose file {name} is empty, or no mapping")) }
        });
        let parsed = parsed.map_err(|message| self.warn(message)).ok();
        self.parsed.insert(path.to_owned(), parsed.clone());
        parsed
    }

    /// Reads files that belong together and what they include; returns the project name they set.
    fn load_layer(&mut self, layer: &Layer<'_>, chain: &mut Vec<PathBuf>) -> Option<String> {
        let mut merged = Value::Null;
        let before = chain.len();
        for file in layer.files {
            match self.parse_file(file) {
                Some(document) if merged.is_null() => merged = document,
                Some(document) => merged = yaml::lay_over(merged, document),
                None => self.found.is_broken = true,
            }
            chain.push(file.clone());
        }
        self.load_volumes(&merged, layer.env);
        self.load_services(&merged, layer);
        self.load_quiesce(&merged);
        for include in yaml::items(yaml::find(&merged, "include")) {
            self.load_include(include, layer, chain);
        }
        chain.truncate(before);
        yaml::find(&merged, "name").and_then(yaml::find_text).map(|name| dotenv::interpolate(&name, layer.env))
    }

    fn load_volumes(&mut self, document: &Value, env: &Env) {
        for (key, value) in yaml::entries(yaml::find(document, "volumes")) {
            self.found.volumes.entry(key).or_insert_with(|| parse_volume(value, env));
        }
    }

    fn load_services(&mut self, document: &Value, layer: &Layer<'_>) {
        let services = yaml::find(document, "services");
        if services.is_some_and(|services| !services.is_mapping()) {
            self.warn("'services' of the compose file is not a mapping".to_owned());
        }
        let Some(file) = layer.files.first() else { return };
        let place = Place { document, file, base: layer.base, env: layer.env };
        for (name, value) in yaml::entries(services) {
            let service = self.read_service(&place, &name, value, &mut Vec::new());
            self.found.services.entry(name).or_insert(service);
        }
    }

    /// Reads `x-mainstay: {quiesce: …}`; what a file sets goes before what it includes.
    fn load_quiesce(&mut self, document: &Value) {
        let value = yaml::find(document, "x-mainstay").and_then(|ours| yaml::find(ours, "quiesce"));
        let Some(word) = value.and_then(yaml::find_text) else { return };
        match word.parse() {
            Ok(quiesce) => self.found.quiesce = self.found.quiesce.or(Some(quiesce)),
            Err(_) => self.warn(format!("x-mainstay: 'quiesce' is stop, pause or none, not '{word}', and is ignored")),
        }
    }

    fn load_include(&mut self, include: &Value, layer: &Layer<'_>, chain: &mut Vec<PathBuf>) {
        let resolve = |value: &Value| {
            let text = dotenv::interpolate(&yaml::find_text(value)?, layer.env);
            (!is_remote(&text)).then(|| join_clean(layer.base, &text))
        };
        let items = if include.is_mapping() { yaml::items(yaml::find(include, "path")) } else { vec![include] };
        let files: Vec<PathBuf> = items.iter().filter_map(|item| resolve(item)).collect();
        if files.len() < items.len() {
            self.warn("an 'include' that is no local file is left out".to_owned());
        }
        let Some(first) = files.first() else { return };
        if let Some(again) = files.iter().find(|file| chain.contains(file)) {
            let name = self.show(again);
            return self.warn(format!("the file {name} includes itself, directly or through others"));
        }
        let named = yaml::find(include, "project_directory").and_then(resolve);
        let base = named.or_else(|| first.parent().map(Path::to_owned)).unwrap_or_default();
        let mut env = Env::new();
        let env_files: Vec<PathBuf> =
            yaml::items(yaml::find(include, "env_file")).into_iter().filter_map(resolve).collect();
        for path in if env_files.is_empty() { vec![base.join(".env")] } else { env_files } {
            env.extend(self.read_env(&path));
        }
        env.extend(layer.env.clone());
        self.load_layer(&Layer { files: &files, base: &base, env: &env }, chain);
    }

    fn read_service(
        &mut self,
        place: &Place<'_>,
        name: &str,
        value: &Value,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> ComposeService {
        for (path, is_required) in parse_env_files(value, place.env) {
            self.add_env_file(&join_clean(place.base, &path), is_required);
        }
        let own =
            parse_service(value, place.base, place.env, |message| self.warn(format!("service '{name}': {message}")));
        chain.push((place.file.to_owned(), name.to_owned()));
        let parent = yaml::find(value, "extends").and_then(|extends| self.read_parent(place, name, extends, chain));
        chain.pop();
        match parent {
            Some(parent) => extend(parent, own),
            None => own,
        }
    }

    fn read_parent(
        &mut self,
        place: &Place<'_>,
        child: &str,
        extends: &Value,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Option<ComposeService> {
        let name = yaml::find_text(extends).or_else(|| yaml::find(extends, "service").and_then(yaml::find_text))?;
        let file =
            yaml::find(extends, "file").and_then(yaml::find_text).map(|file| dotenv::interpolate(&file, place.env));
        let path = file.map_or_else(|| place.file.to_owned(), |file| join_clean(place.base, &file));
        if chain.len() >= MAX_EXTENDS || chain.contains(&(path.clone(), name.clone())) {
            self.warn(format!(
                "service '{child}': 'extends' leads back to itself, or through more than {MAX_EXTENDS} services"
            ));
            return None;
        }
        // The layer's document has the overrides laid over; another file stands for itself.
        let other = if path == place.file { None } else { Some(self.parse_file(&path)?) };
        let base = if other.is_some() { path.parent().unwrap_or(place.base).to_owned() } else { place.base.to_owned() };
        let document = other.as_ref().unwrap_or(place.document);
        let Some(value) = yaml::find(document, "services").and_then(|services| yaml::find(services, &name)) else {
            let shown = self.show(&path);
            self.warn(format!("service '{child}' extends '{name}', which {shown} does not have"));
            return None;
        };
        let place = Place { document, file: &path, base: &base, env: place.env };
        Some(self.read_service(&place, &name, value, chain))
    }

    fn add_env_file(&mut self, path: &Path, is_required: bool) {
        let name = self.show(path);
        if files::can_open(path) {
            if self.found.env_files.len() < MAX_FILES {
                add(&mut self.found.env_files, path);
            }
        } else if is_required {
            self.warn(format!("the env_file {name} does not exist or cannot be read"));
        }
    }

    /// A file that is a link leads to another one, which holds the content.
    fn follow_links(&mut self) {
        let Ok(root) = self.root.canonicalize() else { return };
        for list in [&mut self.found.files, &mut self.found.env_files] {
            let is_link = |path: &&PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
            let real: Vec<PathBuf> = list.iter().filter(is_link).filter_map(|path| path.canonicalize().ok()).collect();
            for path in real.iter().filter(|path| !path.starts_with(&root)) {
                add(list, path);
            }
        }
    }

    fn mark_outside(&mut self) {
        let all = self.found.files.iter().chain(&self.found.env_files);
        let outside: Vec<String> = all.filter(|f| !f.starts_with(self.root)).map(|f| f.display().to_string()).collect();
        if !outside.is_empty() {
            self.warn(format!("files of the stack lie outside its directory: {}", outside.join(", ")));
        }
    }
}

fn add(list: &mut Vec<PathBuf>, path: &Path) {
    if !list.iter().any(|known| known == path) {
        list.push(path.to_owned());
    }
}

fn is_remote(text: &str) -> bool {
    text.contains("://") || text.starts_with("oci:") || text.starts_with("git@")
}
