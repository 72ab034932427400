//! What a server may say before TLS begins, in the protocol that the first octet chooses.
#![no_main]

use std::io::Cursor;
use std::time::Duration;

use certflight::acquire::starttls::{self, Waits};
use certflight::net::{Deadline, Limits};
use certflight::target::Scheme;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
}

fuzz_target!(|data: &[u8]| {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let Some((chosen, data)) = data.split_first() else { return };
            let scheme = Scheme::ALL[usize::from(*chosen) % Scheme::ALL.len()];
            let stream = Box::new(tokio::io::join(Cursor::new(data.to_vec()), tokio::io::sink()));
            let waits = Waits::new(&Limits::default(), Deadline::after(Duration::from_secs(1)));
            let _ = starttls::negotiate(scheme, stream, "www.example.org", waits).await;
        });
    });
});
