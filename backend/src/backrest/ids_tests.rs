//! Ids are the same on every run, and nobody's but one's.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::backrest::testing::{container, service};
use crate::backrest::workload::group;
use crate::domain::stack::Container;

fn names(containers: &[Container], prefix: &str) -> Vec<Names> {
    assign(&group(containers), prefix)
}

fn ids(containers: &[Container], prefix: &str) -> Vec<String> {
    names(containers, prefix).into_iter().map(|names| names.id).collect()
}

#[test]
fn an_id_is_prefix_project_and_service() {
    let prefix = "backrest_sidecar_";
    for (one, expected) in [
        (service("stack", "db", &[]), "backrest_sidecar_stack_db"),
        (service("my-shop", "Web.Front", &[]), "backrest_sidecar_my_shop_web_front"),
        (container("lonely.box", &[]), "backrest_sidecar_lonely_box"),
        (container("_x_", &[]), "backrest_sidecar_x"),
    ] {
        assert_eq!(ids(&[one], prefix), [expected]);
    }
    assert_eq!(ids(&[service("stack", "db", &[])], ""), ["stack_db"]);
    assert_eq!(ids(&[service("stack", "db", &[])], " my plans/"), ["my_plans_stack_db"]);
}

#[test]
fn a_name_without_letters_has_an_id_all_the_same() {
    let id = ids(&[service("ß", "你", &[])], "p_").remove(0);
    assert!(id.len() == "p_".len() + 12 && id == ids(&[service("ß", "你", &[])], "p_")[0], "{id}");
}

#[test]
fn who_would_share_an_id_gets_another_one() {
    let pair = [service("a_b", "c", &[]), service("a", "b_c", &[])];
    let both = names(&pair, "p_");
    assert!(both.iter().all(|names| names.id.starts_with("p_a_b_c_") && names.id.len() == 16), "{both:?}");
    assert_ne!(both[0].id, both[1].id);
    assert!(both.iter().all(|names| !names.aliases.contains(&"p_a_b_c".to_owned())), "it is nobody's: {both:?}");
    let alone = names(&pair[..1], "p_").remove(0);
    assert_eq!(alone.id, "p_a_b_c");
    let with_hash = both.iter().find(|names| alone.aliases.contains(&names.id));
    assert!(with_hash.is_some(), "an id with a hash is known when the other one is gone: {alone:?}");
}

#[test]
fn the_ids_of_earlier_tools_are_known() {
    let found = names(&[service("my-shop", "db", &[])], "mine_").remove(0);
    assert_eq!(found.id, "mine_my_shop_db");
    for alias in ["backrest_sidecar_my_shop_db", "backrest_sidecar_my-shop_db", "backrest_sidecar_db", "mine_db"] {
        assert!(found.aliases.contains(&alias.to_owned()), "{alias} of {found:?}");
    }
    let bare = names(&[service("shop", "db", &[])], "").remove(0);
    assert!(bare.aliases.iter().all(|alias| alias.starts_with("backrest_sidecar_") || alias.starts_with("shop_db_")));
}

#[test]
fn an_alias_that_two_could_claim_is_nobodys() {
    let found = names(&[service("blog", "db", &[]), service("shop", "db", &[])], "backrest_sidecar_");
    assert!(found.iter().all(|names| !names.aliases.contains(&"backrest_sidecar_db".to_owned())), "{found:?}");
}

#[test]
fn a_long_name_is_cut_and_stays_apart() {
    let long = "x".repeat(120);
    let found = ids(&[container(&format!("{long}a"), &[]), container(&format!("{long}b"), &[])], "p_");
    assert!(found[0] != found[1] && found.iter().all(|id| id.len() <= 120), "{found:?}");
}

proptest! {
    #[test]
    fn no_two_plans_share_a_name(pairs in prop::collection::btree_set(("[a-b_.-]{1,4}", "[a-b_.ß-]{1,4}"), 1..12), prefix in "[_a-]{0,3}") {
        let mut containers: Vec<Container> = pairs.iter().map(|(p, s)| service(p, s, &[])).collect();
        containers.extend(pairs.iter().map(|(p, s)| container(&format!("{p}_{s}"), &[])).filter(|c| !c.name.is_empty()));
        let found = names(&containers, &prefix);
        let mut seen = BTreeSet::new();
        for name in found.iter().flat_map(|names| names.aliases.iter().chain([&names.id])) {
            prop_assert!(seen.insert(name), "{} twice in {:?}", name, found);
        }
        for names in &found {
            prop_assert!(!names.id.ends_with('_') && names.id.chars().all(is_allowed), "{}", names.id);
        }
        containers.reverse();
        prop_assert_eq!(found, super::assign(&group(&containers), &prefix), "the order of the engine changes nothing");
    }
}
