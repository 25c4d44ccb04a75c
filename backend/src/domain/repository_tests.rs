use proptest::prelude::*;

use super::*;

#[test]
fn what_may_be_secret_is_not_shown() {
    for (text, shown) in [
        ("/srv/backup", "/srv/backup"),
        ("/srv/a:b@c", "/srv/a:b@c"),
        ("local:/srv/backup", "local:/srv/backup"),
        ("rest:https://host:8000/", "rest:https://host:8000/"),
        ("rest:https://user:pass@host:8000/", "rest:https://***@host:8000/"),
        ("rest:https://user:p@s/s:w?o#r@host:8000/repo", "***"),
        ("rest:https://user:p@s/s:w@host:8000/repo", "rest:https://***@host:8000/repo"),
        ("rest:https://token@host/", "rest:https://***@host/"),
        ("rest:https://host/repo?token=abc&x=a:b", "rest:https://host/repo?***"),
        ("rest:https://host/repo?token=a@b", "rest:https://***"),
        ("rest:https://host/repo#token", "rest:https://host/repo#***"),
        ("rest:http+unix:///run/rest.sock:/repo", "rest:http+unix:///run/rest.sock:/repo"),
        ("sftp:user@host:/path", "sftp:user@host:/path"),
        ("sftp:host:relative/path", "sftp:host:relative/path"),
        ("sftp:user@host:/path/a@b", "sftp:user@host:/path/a@b"),
        ("sftp:user:pass@host:/path", "sftp:user:***@host:/path"),
        ("sftp://user@[::1]:22//path", "sftp://user@[::1]:22//path"),
        ("sftp://user:pass@[::1]:22//path", "sftp://user:***@[::1]:22//path"),
        ("s3:https://host/bucket", "s3:https://host/bucket"),
        ("s3:https://key:secret@host/bucket", "s3:https://***@host/bucket"),
        ("s3:host/bucket", "s3:host/bucket"),
        ("s3:key:secret@host/bucket", "s3:***@host/bucket"),
        ("s3://host/bucket", "s3://host/bucket"),
        ("rclone:remote:path/a=b", "rclone:remote:path/a=b"),
        ("rclone::sftp,host=h,user=u,pass=\"a:b\":path", "rclone::sftp,***"),
        ("azure:container:/path", "azure:container:/path"),
        ("gs:bucket:/path", "gs:bucket:/path"),
        ("b2:bucket:path", "b2:bucket:path"),
        ("swift:container:/path", "swift:container:/path"),
        ("azure:https://account.example.org/c?sig=abc", "azure:https://account.example.org/c?***"),
        ("https://user:pass@host/", "https://***@host/"),
        ("", ""),
    ] {
        let url = RepositoryUrl::new(text);
        if shown == "***" {
            assert!(!url.to_string().contains("w?o"), "{url}");
            continue;
        }
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("RepositoryUrl({shown})"));
        assert_eq!(url.expose(), text);
    }
}

#[test]
fn what_restic_takes_is_accepted() {
    for text in [
        "/srv/backup",
        "local:/srv/backup",
        "rest:https://user:pass@host:8000/",
        "rest:http+unix:///run/rest.sock:/repo",
        "sftp:user@host:/path",
        "sftp:host:path",
        "sftp://user@[::1]:22//path",
        "s3:https://host/bucket",
        "s3:host/bucket/path",
        "s3://host/bucket",
        "rclone:remote:path",
        "rclone:remote:",
        "rclone::local:/path",
        "azure:container:/path",
        "gs:bucket:/path",
        "b2:bucket:path",
        "swift:container:/path",
        " /srv/backup\n",
    ] {
        let url: RepositoryUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(url.expose(), text.trim());
    }
    let path = |text| RepositoryUrl::new(text).local_path().map(std::path::PathBuf::from);
    assert_eq!(path("local:/a"), Some("/a".into()));
    assert_eq!(path("/a"), Some("/a".into()));
    assert_eq!(path("rclone::local:/path"), None);
}

#[test]
fn what_restic_would_misunderstand_is_refused() {
    for (text, part) in [
        ("", "the repository is empty"),
        ("  ", "the repository is empty"),
        ("/srv/a\nb", "a line break or another control character"),
        ("backup/repo", "is a relative path; write the whole path"),
        ("./repo:1", "is a relative path"),
        ("local:repo", "'local:/srv/backup'"),
        ("rset:https://host/", "'rset:'; did you mean 'rest'?"),
        ("REST:https://host/", "'REST:'; did you mean 'rest'?"),
        ("https://user:pass@host/", "'https:'; write 'rest:https://…' for a REST server or 's3:https://…'"),
        ("ssh://host/path", "write 'sftp:user@host:/path'"),
        ("file:///srv", "write the path alone"),
        ("user@host:/path", "what it begins with"),
        ("rest:host:8000/", "'rest:https://user:password@host:8000/'"),
        ("rest:https://", "'rest:https://"),
        ("sftp:user@host", "'sftp:user@host:/srv/backup'"),
        ("s3:bucket", "'s3:https://host/bucket'"),
        ("rclone:remote", "'rclone:remote:path'"),
        ("b2:bucket", "'b2:bucket:path'"),
        ("azure::/path", "'azure:bucket:/path'"),
    ] {
        let error = text.parse::<RepositoryUrl>().err().unwrap_or_else(|| panic!("'{text}' was accepted")).to_string();
        assert!(error.contains(part), "{error}");
    }
}

proptest! {
    /// Whatever a password is made of, and wherever restic takes one.
    #[test]
    fn no_password_is_ever_shown(
        password in "[A-Za-z0-9@/:?#%=,&.-]{0,6}s3cr3t[A-Za-z0-9@/:?#%=,&.-]{0,6}",
        path in "[a-z/]{0,8}",
        before in "rest:https://user:|rest:https://|s3:http://key:|sftp://user:|sftp:user:|s3:key:|azure:https://",
    ) {
        let text = format!("{before}{password}@host:8000/{path}");
        let url = RepositoryUrl::new(&text);
        prop_assert!(!format!("{url} {url:?}").contains("s3cr3t"), "{} is shown as {}", text, url);
    }

    #[test]
    fn no_token_in_a_query_is_ever_shown(token in "[A-Za-z0-9@/:?#%=,&.-]{0,6}s3cr3t[A-Za-z0-9@/:?#%=,&.-]{0,6}", user in "|user@|user:pw@") {
        let url = RepositoryUrl::new(&format!("rest:https://{user}host/path?token={token}"));
        prop_assert!(!url.to_string().contains("s3cr3t"), "{}", url);
    }

    #[test]
    fn an_error_repeats_no_password(password in "[a-z0-9@/:]{0,6}s3cr3t", before in "user:|https://u:|rest:u:|u@h:") {
        let text = format!("{before}{password}@host");
        if let Err(error) = text.parse::<RepositoryUrl>() {
            prop_assert!(!error.to_string().contains("s3cr3t"), "{}", error);
        }
    }
}
