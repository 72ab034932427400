//! What an HTTP server, a directory, or a proxy asked for a tunnel, may answer: the octets are served on loopback
//! and fetched as an endpoint's would be.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certflight::net::{Deadline, HttpMethod, HttpRequest, Limits, NetOptions, Network, ProxyEnvironment, ProxyUrl};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

struct Stage {
    runtime: Runtime,
    address: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
    network: Network,
}

thread_local! {
    static STAGE: Stage = stage();
}

fn stage() -> Stage {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = Arc::new(Mutex::new(Vec::new()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = Arc::clone(&answer);
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = served.lock().expect("the answer").clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 2048]).await;
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    let limits = Limits {
        step: Duration::from_millis(500),
        answer: Duration::from_millis(500),
        retries: 0,
        ..Limits::default()
    };
    let options = NetOptions { limits, dns_server: Some(address), ..NetOptions::default() };
    let network = Network::with_environment(options, ProxyEnvironment::default()).expect("a network");
    Stage { runtime, address, answer, network }
}

fuzz_target!(|data: &[u8]| {
    let Some((way, answer)) = data.split_first() else { return };
    STAGE.with(|stage| {
        answer.clone_into(&mut stage.answer.lock().expect("the answer"));
        let deadline = Deadline::after(Duration::from_secs(2));
        stage.runtime.block_on(async {
            if way % 5 == 0 {
                let proxy = ProxyUrl::parse(&format!("http://{}", stage.address)).expect("a proxy");
                let _ = stage.network.tunnel(&proxy, "www.example.test", 443, deadline).await;
                return;
            }
            let (scheme, method) = match way % 5 {
                1 => ("http", HttpMethod::Post),
                2 => ("ldap", HttpMethod::Search),
                _ => ("http", HttpMethod::Get),
            };
            let request = HttpRequest {
                url: format!("{scheme}://{}/object", stage.address).parse().expect("a URL"),
                method,
                body: None,
                accept: "*/*",
                limit: 1 << 16,
                follow: way % 2 == 0,
            };
            for exchange in stage.network.fetch(&request, &Vec::new, deadline).await {
                let bodies = exchange.body.iter().chain(&exchange.further);
                assert!(bodies.map(Vec::len).sum::<usize>() <= 1 << 16);
            }
        });
    });
});
