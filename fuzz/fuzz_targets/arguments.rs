//! Text from the command line and from certificates that names hosts, targets and proxies.
#![no_main]

use certflight::egress::Place;
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
    if let Ok(place) = Place::parse(text) {
        let url = place.url().expect("a place has a URL");
        assert!(Place::of_url(&url).is_none_or(|again| again.is_at(&place)), "{url}");
    }
    let _ = ProxyUrl::parse(text).map(|proxy| proxy.to_string());
    let _ = NoProxy::parse(text).covers("www.example.test");
});
