//! `endpoint.slow` for what only Windows would not wait for.

use std::time::Duration;

use super::{Case, Sink, Weight, is_top};
use crate::finding::About;
use crate::finding::catalogue::endpoint::SLOW;
use crate::finding::wording::{list, wait};
use crate::revocation::windows::{Abandoned, CHAIN_LIMIT, URL_LIMIT, abandoned, inquiries};

/// Shorter waits explain nothing.
const TOLD: Duration = Duration::from_millis(100);

/// Tells which answers came here, but too late for Windows, where a certificate's status hangs on them.
pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    let Some(path) = case.chosen() else { return };
    let below_root = path.certificates.iter().enumerate().filter(|(position, _)| !is_top(path, *position));
    let mut chain: Vec<_> = below_root.map(|(_, certificate)| certificate.sha256).collect();
    chain.reverse();
    let facts = &case.examination.revocation;
    for one in abandoned(&inquiries(&chain, &facts.endpoints, &facts.statuses)) {
        let message = message(&one, &case.names.called(&one.certificate));
        sink.report(SLOW, Weight::Usual, About::Endpoint(one.url.clone()), message, remedy(&one));
    }
}

fn message(one: &Abandoned, who: &str) -> String {
    let Abandoned { url, took, limit, before, .. } = one;
    let clients = format!("Windows clients with {} for the whole chain", wait(CHAIN_LIMIT));
    let given = if before.is_empty() {
        format!("{clients} give the first URL {}", wait(*limit))
    } else {
        let spent = before.iter().filter(|(_, waited, _)| *waited >= TOLD);
        let spent: Vec<String> = spent.map(|(url, waited, _)| format!("{} for {url}", wait(*waited))).collect();
        let after = if spent.is_empty() { String::new() } else { format!(" after {}", list(&spent)) };
        format!("{clients} give it {}, half of what is left{after}", wait(*limit))
    };
    let ever =
        if *took > URL_LIMIT { format!(", and none gives more than {}", wait(URL_LIMIT)) } else { String::new() };
    format!("{url}: the answer took {}, but {given}{ever}; {who} then has no revocation status there", wait(*took))
}

fn remedy(one: &Abandoned) -> String {
    let faster = "have the operator of this URL make it faster; if it is fast from another network, look at the proxy in between";
    let silent: Vec<&str> = one.before.iter().filter(|(_, _, silent)| *silent).map(|(url, ..)| url.as_str()).collect();
    if silent.is_empty() {
        return faster.to_owned();
    }
    format!("have what does not answer before it mended or opened in the firewall ({}), and {faster}", list(&silent))
}
