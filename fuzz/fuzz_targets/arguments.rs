//! Text from the command line and from certificates that names hosts, targets and proxies.
#![no_main]

use certflight::net::{NoProxy, ProxyUrl};
use certflight::target::{Host, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(target) = Target::parse(text, |_| false) {
        if matches!(target, Target::Server(_)) {
            let shown = target.to_string();
            assert_eq!(Target::parse(&shown, |_| false).as_ref(), Ok(&target), "{shown}");
        }
    }
    let _ = Host::parse(text);
    let _ = ProxyUrl::parse(text).map(|proxy| proxy.to_string());
    let _ = NoProxy::parse(text).covers("www.example.test");
});
