//! PostgreSQL: a dump makes databases and replaces none, so those of the same names are renamed before, and come back
//! when the load fails.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::super::tool::Duty;
use super::client::{Client, Input, Said};
use super::{ANSWER, LoadError, LoadRequest, Loaded, answer_of, behind, refuse_if_wrong};
use crate::domain::log::Level;
use crate::domain::plan::DatabaseKind;

/// The database that every server has and every dump fills without making it.
const STANDARD: &str = "postgres";
/// What a name may have.
const NAME_BYTES: usize = 63;
/// Relations and functions that neither the server nor an extension made.
const COUNT_CONTENT: &str = "select count(*) from (select oid, relnamespace as space from pg_class \
    union all select oid, pronamespace from pg_proc) c join pg_namespace n on n.oid = c.space \
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' \
    and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e');";

pub(super) async fn load(client: &Client<'_>, size_bytes: u64) -> Result<Loaded, LoadError> {
    let named = find_databases(client.request.dump).await?;
    let aside = set_aside(client, &named).await?;
    match feed(client).await {
        Ok(answer) => {
            let set_aside = aside.into_iter().map(|aside| aside.kept_as).collect();
            Ok(Loaded { kind: client.kind, size_bytes, set_aside, answer })
        }
        Err(error) => {
            put_back(client, &aside).await;
            Err(error)
        }
    }
}

async fn feed(client: &Client<'_>) -> Result<Option<String>, LoadError> {
    let question =
        behind(client.request.question, |question| format!("\n\\connect template1\nselect '{ANSWER}';\n{question};\n"));
    let words = ["-A", "-t", "-v", "VERBOSITY=verbose"];
    let said = client.run(Duty::Load, &words, Input::Dump(client.request.dump, question), is_wrong).await?;
    refuse_if_wrong(client, &said)?;
    if said.exit_code == 0 { Ok(answer_of(&said.out)) } else { Err(client.failed(&said)) }
}

/// Whether a line of `psql` tells of a failure. The server's own lines have a code, in every language: those of notices
/// and warnings are none, and that a role or a database is there already is expected of every new server.
fn is_wrong(line: &str) -> bool {
    const ROLE_IS_THERE: &str = "42710";
    const DATABASE_IS_THERE: &str = "42P04";
    if let Some(rest) = line.strip_prefix("invalid command ") {
        // Newer tools protect the reader of a dump by a command that older ones do not know.
        return !rest.starts_with(r"\restrict") && !rest.starts_with(r"\unrestrict");
    }
    if line.starts_with("psql:") || line.starts_with(r"\connect:") {
        return true;
    }
    match code_of(line) {
        Some(ROLE_IS_THERE | DATABASE_IS_THERE) | None => false,
        Some(code) => !code.starts_with("00") && !code.starts_with("01"),
    }
}

/// The code of a line such as `ERROR:  42P07: relation "t" already exists`.
fn code_of(line: &str) -> Option<&str> {
    let (severity, rest) = line.split_once(":  ")?;
    let (code, _) = rest.split_once(": ")?;
    let is_code = code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (is_code && !severity.contains(' ')).then_some(code)
}

/// The databases that a dump makes.
async fn find_databases(dump: &Path) -> Result<Vec<String>, LoadError> {
    let path = dump.to_owned();
    let found = tokio::task::spawn_blocking(move || read_names(BufReader::with_capacity(1 << 20, File::open(path)?)));
    let found = found.await.unwrap_or_else(|e| Err(io::Error::other(e)));
    found.map_err(|source| LoadError::Unreadable { path: dump.to_owned(), source })
}

fn read_names(mut dump: impl io::BufRead) -> io::Result<Vec<String>> {
    const MAKES: &[u8] = b"CREATE DATABASE ";
    let (mut names, mut line, mut is_data) = (Vec::new(), Vec::new(), false);
    loop {
        line.clear();
        if dump.read_until(b'\n', &mut line)? == 0 {
            return Ok(names);
        }
        if is_data {
            is_data = line != b"\\.\n";
        } else if line.starts_with(b"COPY ") {
            is_data = line.ends_with(b" FROM stdin;\n");
        } else if let Some(rest) = line.strip_prefix(MAKES) {
            names.extend(std::str::from_utf8(rest).ok().and_then(name_of));
        }
    }
}

/// The name at the beginning of a text, as the tools quote it.
fn name_of(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.split([' ', ';', '\n']).next().filter(|name| !name.is_empty()).map(str::to_owned);
    };
    let mut name = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if characters.next_if_eq(&'"').is_none() => return Some(name),
            c => name.push(c),
        }
    }
    None
}

/// A database under another name.
struct Aside {
    name: String,
    kept_as: String,
}

/// Renames the databases of the server that the dump would meet and that hold something.
async fn set_aside(client: &Client<'_>, named: &[String]) -> Result<Vec<Aside>, LoadError> {
    let mut aside: Vec<Aside> = Vec::new();
    for name in find_full(client, named).await? {
        let kept_as = name_aside(client.request, &name);
        let mut sql = rename_sql(&name, &kept_as);
        if name == STANDARD {
            // Writing to a string cannot fail.
            let _ = writeln!(sql, "create database {} template template0;", quote(&name));
        }
        aside.push(Aside { name: name.clone(), kept_as: kept_as.clone() });
        if let Err(error) = ask(client, &sql).await {
            put_back(client, &aside).await;
            return Err(error);
        }
        (client.request.say)(Level::Info, format!("the database '{name}' is kept as '{kept_as}'"));
    }
    Ok(aside)
}

/// The databases of the server that the dump would meet and that hold something.
async fn find_full(client: &Client<'_>, named: &[String]) -> Result<Vec<String>, LoadError> {
    let there = ask(client, "select coalesce(json_agg(datname), '[]') from pg_database where datallowconn;").await?;
    let there: Vec<String> = serde_json::from_str(there.trim()).map_err(|_| LoadError::Unfit {
        container: client.container(),
        why: format!("it does not tell its databases: {}", there.trim()),
    })?;
    let mut full = Vec::new();
    for name in there.into_iter().filter(|name| name == STANDARD || named.contains(name)) {
        let count = ask(client, &format!("\\connect {}\n{COUNT_CONTENT}", quote(&name))).await?;
        if count.trim() != "0" {
            full.push(name);
        }
    }
    Ok(full)
}

fn name_aside(request: &LoadRequest<'_>, name: &str) -> String {
    let stamp = request.now.format("_before_%Y%m%d%H%M%S").to_string();
    let mut end = name.len().min(NAME_BYTES - stamp.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{stamp}", &name[..end])
}

/// The old databases take the places of what a failed load left. It is said when that does not work: nothing is lost
/// then, the old ones still have their other names.
async fn put_back(client: &Client<'_>, aside: &[Aside]) {
    // A cancel of the load does not keep it from cleaning up.
    let lasting = CancellationToken::new();
    let request = LoadRequest { cancel: &lasting, ..*client.request };
    let client = Client { request: &request, kind: DatabaseKind::Postgres };
    for Aside { name, kept_as } in aside {
        let (level, message) = match put_one_back(&client, name, kept_as).await {
            Ok(()) => (Level::Info, format!("the database '{name}' is as it was before")),
            Err(error) => {
                (Level::Error, format!("the database '{name}' could not be put back, look for '{kept_as}': {error}"))
            }
        };
        (request.say)(level, message);
    }
}

/// Drops nothing before it is certain that the old one is there.
async fn put_one_back(client: &Client<'_>, name: &str, kept_as: &str) -> Result<(), LoadError> {
    let text = kept_as.replace('\'', "''");
    let is_kept = ask(client, &format!("select count(*) from pg_database where datname = '{text}';")).await?;
    if is_kept.trim() == "0" {
        return Ok(());
    }
    ask(client, &format!("{}{}", drop_sql(name), rename_sql(kept_as, name))).await.map(drop)
}

fn drop_sql(name: &str) -> String {
    format!("{}drop database if exists {};\n", end_connections(name), quote(name))
}

fn rename_sql(from: &str, to: &str) -> String {
    let (old, new) = (quote(from), quote(to));
    format!(
        "alter database {old} with allow_connections false;\n{}alter database {old} rename to {new};\n\
         alter database {new} with allow_connections true;\n",
        end_connections(from)
    )
}

fn end_connections(name: &str) -> String {
    let text = name.replace('\'', "''");
    format!("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{text}';\n")
}

async fn ask(client: &Client<'_>, sql: &str) -> Result<String, LoadError> {
    let mut text = String::from("set standard_conforming_strings = on;\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{sql}");
    let words = ["-A", "-t", "-v", "ON_ERROR_STOP=1"];
    let said: Said = client.run(Duty::Ask, &words, Input::Text(text), |_| false).await?;
    if said.exit_code == 0 { Ok(said.out) } else { Err(client.failed(&said)) }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_expected_of_a_new_server_is_no_failure() {
        for line in [
            "ERROR:  42710: role \"keeper\" already exists",
            "FEHLER:  42P04: Datenbank »shop« existiert bereits",
            "WARNING:  01000: no privileges were granted",
            "NOTICE:  00000: done",
            "LOCATION:  CreateRole, user.c:337",
            "LINE 1: create table t(a int);",
            r"invalid command \restrict",
        ] {
            assert!(!is_wrong(line), "{line}");
        }
        for line in [
            "ERROR:  42P07: relation \"t\" already exists",
            "FATAL:  57P01: terminating connection due to administrator command",
            "psql: error: connection to server on socket failed",
            r"\connect: connection to server failed",
            r"invalid command \N",
        ] {
            assert!(is_wrong(line), "{line}");
        }
    }

    #[test]
    fn names_are_read_where_the_tool_makes_databases() {
        let dump = "CREATE DATABASE shop WITH TEMPLATE = template0;\nCREATE DATABASE \"my \"\"db\" WITH TEMPLATE = template0;\n\
                    COPY public.t (x) FROM stdin;\nCREATE DATABASE wiki WITH\n\\.\nCREATE DATABASE last;\n";
        assert_eq!(read_names(dump.as_bytes()).expect("read"), ["shop", "my \"db", "last"]);
        assert_eq!(quote("my \"db"), "\"my \"\"db\"");
    }
}
