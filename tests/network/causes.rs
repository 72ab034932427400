//! Which real cause leads to which outcome word: each row is a test, and every word has a row.

use std::collections::BTreeSet;

use certflight::net::Outcome;

use crate::world::{Seen, World};
use crate::{firewall, inspection, names, proxies, servers};

/// Each row makes a test: stage the cause, run the tool, look for the word in its report. What the tool says and advises
/// is asserted where the cause is staged.
macro_rules! causes {
    ($($name:ident: $word:ident by $stage:path $(, with $program:literal)*;)+) => {
        $(
            #[test]
            fn $name() {
                prove(stringify!($name), Outcome::$word, &[$($program),*], $stage);
            }
        )+

        /// The word of each row.
        const PROVEN: &[Outcome] = &[$(Outcome::$word),+];
    };
}

causes! {
    all_is_well: Ok by servers::sound;
    name_does_not_exist: DnsNxdomain by names::nxdomain;
    name_has_no_address: DnsNoAddress by names::without_address;
    name_has_no_address_of_the_family: DnsNoAddress by names::without_ipv6;
    resolver_dropped: DnsTimeout by names::dropped;
    resolver_dropped_and_configured_by_the_system: DnsTimeout by names::dropped_for_the_system;
    resolver_rejected: DnsFailure by names::rejected;
    resolver_refuses: DnsFailure by names::refused;
    sinkhole_at_no_address: Refused by names::sinkhole_unspecified;
    sinkhole_at_loopback: Refused by names::sinkhole_loopback;
    sinkhole_at_a_private_address: Timeout by names::sinkhole_private;
    sinkhole_with_a_block_page: Intercepted by names::sinkhole_page;
    hosts_file_blocks: Refused by names::hosts_file;
    firewall_drops: Timeout by firewall::drops;
    firewall_drops_replies: Timeout by firewall::drops_replies;
    firewall_resets: Refused by firewall::resets;
    firewall_says_port_unreachable: Refused by firewall::says_port_unreachable;
    firewall_prohibits: Refused by firewall::prohibits;
    firewall_prohibits_ipv6: Refused by firewall::prohibits_ipv6;
    own_firewall_rejects: Refused by firewall::own_rejects;
    server_firewall_rejects: Refused by firewall::server_rejects;
    firewall_says_host_unreachable: Unreachable by firewall::says_host_unreachable;
    firewall_says_net_unreachable: Unreachable by firewall::says_net_unreachable;
    firewall_says_no_route_ipv6: Unreachable by firewall::says_no_route_ipv6;
    no_route: Unreachable by firewall::no_route;
    no_neighbour: Unreachable by firewall::no_neighbour;
    routing_loop: Unreachable by firewall::routing_loop;
    one_address_blocked: Timeout by firewall::one_address_blocked;
    ipv6_blocked: Timeout by firewall::ipv6_blocked;
    only_https_open: Timeout by firewall::only_https_open;
    inspection_swallows: Timeout by firewall::swallows_payload;
    inspection_resets: Reset by firewall::resets_payload;
    path_mtu_black_hole: Stalled by firewall::path_mtu_black_hole;
    server_closes: Closed by servers::closes;
    server_dies_within_its_answer: Truncated by servers::dies;
    object_missing: HttpError by servers::object_missing;
    entry_missing: LdapError by servers::entry_missing, with "slapd";
    captive_portal_by_page: Intercepted by servers::portal_by_page;
    captive_portal_by_redirect: Intercepted by servers::portal_by_redirect;
    redirects_go_round: RedirectLoop by servers::redirects_go_round;
    object_too_large: TooLarge by servers::object_too_large;
    another_protocol_answers: Malformed by servers::another_protocol, with "postfix";
    encoding_not_asked_for: Unsupported by servers::encoding_not_asked_for;
    plain_text_port: NotTls by servers::plain_text_port;
    handshake_rejected: TlsAlert by servers::handshake_rejected;
    starttls_not_offered: StarttlsRefused by servers::starttls_not_offered, with "postfix";
    https_endpoint_of_a_private_ca: TlsFailure by servers::https_of_a_private_ca;
    https_endpoint_inspected: TlsFailure by inspection::of_an_endpoint, with "mitmdump";
    proxy_denies: ProxyDenied by proxies::denies, with "squid";
    proxy_wants_a_login: ProxyDenied by proxies::wants_a_login, with "squid";
    proxy_refuses_the_login: ProxyDenied by proxies::refuses_the_login, with "squid";
    proxy_out_of_reach: ProxyFailure by proxies::out_of_reach, with "squid";
    proxy_cannot_reach_the_host: ProxyFailure by proxies::cannot_reach_the_host, with "squid";
}

fn prove(test: &str, word: Outcome, programs: &[&str], stage: fn(&World) -> Seen) {
    let Some(world) = World::new(test, programs) else { return };
    let seen = stage(&world);
    assert!(seen.words().iter().any(|seen| seen == word.word()), "no {word} in {seen}");
    assert_eq!(seen.stderr, "", "{seen}");
}

/// The words come from the schema that is published, so that a new one is missed here until it has its cause.
#[test]
fn every_word_has_a_cause() {
    let schema = schemars::schema_for!(Outcome).to_value();
    let mut words = BTreeSet::new();
    for part in schema["oneOf"].as_array().unwrap() {
        words.extend(part["const"].as_str());
        words.extend(part["enum"].as_array().into_iter().flatten().filter_map(|word| word.as_str()));
    }
    assert!(words.contains("ok") && words.len() > 20, "{schema:#}");
    let proven: BTreeSet<&str> = PROVEN.iter().map(|word| word.word()).collect();
    assert_eq!(words, proven);
}
