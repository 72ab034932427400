//! What servers do by themselves: real ones, configured for each case.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use crate::support::{Authority, CRL_PORT, key};
use crate::world::{SERVER, Seen, Told, World};

const LIST: &str = "http://crl.real.test:8080/intermediate.crl";

pub fn sound(world: &World) -> Seen {
    world.start();
    let seen = world.check(&[]);
    assert_eq!((seen.exit, seen.told()), (0, Vec::new()), "{seen}");
    assert!(seen.words().len() >= 3 && seen.words().iter().all(|word| word == "ok"), "{seen}");
    seen
}

/// nginx with this in front of the lists, and what is then said of the leaf's.
fn list_behind(world: &World, locations: &str, code: &str, message: &[&str], remedy: &[&str]) -> Seen {
    world.serve(locations, "");
    world.resolve(&[]);
    let seen = world.check(&[]);
    of_list(&seen).says(code, message, remedy);
    assert_eq!(seen.exit, 2, "{seen}");
    seen
}

fn of_list(seen: &Seen) -> Told {
    let of_list = seen.told().into_iter().find(|told| told.message.starts_with(LIST));
    of_list.unwrap_or_else(|| panic!("nothing about {LIST} in {seen}"))
}

pub fn closes(world: &World) -> Seen {
    let message = "203.0.113.10:8080 accepted the connection, then closed it without an answer";
    let remedy = "exempt crl.real.test (203.0.113.10) TCP port 8080";
    list_behind(world, "location = /intermediate.crl { return 444; }", "endpoint.unreachable", &[message], &[remedy])
}

/// No real server can be made to die at the right moment; this one's only failing is that.
pub fn dies(world: &World) -> Seen {
    let here = SocketAddr::new(SERVER, 8081);
    let listener = world.net.internet.within(|| TcpListener::bind(here)).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\x30\x82").unwrap();
    });
    world.resolve(&[]);
    let seen = world.check_url("http://crl.real.test:8081/a.crl", &[]);
    server.join().unwrap();
    let remedy = "lift size and time limits of proxies and inspection for crl.real.test (203.0.113.10) TCP port 8081";
    seen.only().says("endpoint.truncated", &["203.0.113.10:8081 sent only a part of it"], &[remedy]);
    seen
}

pub fn object_missing(world: &World) -> Seen {
    let message = "203.0.113.10:8080 answered with HTTP status 404";
    let remedy = "have whoever runs crl.real.test publish the object under this URL";
    list_behind(world, "location = /intermediate.crl { return 404; }", "endpoint.http-error", &[message], &[remedy])
}

/// A directory without a single entry.
pub fn entry_missing(world: &World) -> Seen {
    let base = world.net.folder.path();
    fs::create_dir(base.join("database")).unwrap();
    let configuration = format!(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {base}/slapd.pid\n\
         database mdb\nmaxsize 16777216\nsuffix \"o=Real\"\ndirectory {base}/database\n",
        base = base.display()
    );
    let file = base.join("slapd.conf");
    fs::write(&file, configuration).unwrap();
    let urls = format!("ldap://{SERVER}:389");
    let arguments = ["-f", file.to_str().unwrap(), "-h", &urls, "-d", "0"];
    world.net.start("slapd", "slapd", &arguments, SocketAddr::new(SERVER, 389));
    world.resolve(&[]);
    let seen = world.check_url("ldap://crl.real.test/cn=CA,o=Real?certificateRevocationList;binary", &[]);
    let remedy = "have whoever runs the directory at crl.real.test publish the object in the entry and attribute";
    seen.only().says("endpoint.ldap-error", &["noSuchObject"], &[remedy]);
    seen
}

const PORTAL: &str = "TCP port 8080 from content filtering, authentication and the captive portal";

pub fn portal_by_page(world: &World) -> Seen {
    let locations = "location ~ \\.crl$ { default_type text/html; \
                     return 200 '<html><head><title>Guest network</title></head></html>'; }";
    let message =
        "203.0.113.10:8080 sent a web page with HTTP status 200 instead of the object (titled \"Guest network\")";
    list_behind(world, locations, "endpoint.intercepted", &[message], &[PORTAL])
}

/// The portal stands on the firewall, which is where it redirects to.
pub fn portal_by_redirect(world: &World) -> Seen {
    let locations = "location ~ \\.crl$ { return 302 http://portal.guest.test:8082/login?for=$request_uri; }";
    let page = "<html><head><title>Sign in</title></head></html>";
    world.serve(locations, &format!("server {{ listen 8082; default_type text/html; return 200 '{page}'; }}"));
    world.resolve(&[&format!("host-record=portal.guest.test,{SERVER}")]);
    let seen = world.check(&[]);
    let message = [
        "it redirects to http://portal.guest.test:8082/login?for=/intermediate.crl",
        "sent a web page with HTTP status 200 instead of the object (titled \"Sign in\")",
    ];
    of_list(&seen).says("endpoint.intercepted", &message, &["exempt crl.real.test ", PORTAL]);
    assert_eq!(seen.exit, 2, "{seen}");
    seen
}

pub fn redirects_go_round(world: &World) -> Seen {
    let locations = "location = /intermediate.crl { return 301 $scheme://$host:$server_port/again; }\n\
                     location = /again { return 301 $scheme://$host:$server_port/intermediate.crl; }";
    let remedy = "have whoever runs crl.real.test serve the object without redirects";
    list_behind(world, locations, "endpoint.redirect-loop", &["the redirects do not end"], &[remedy])
}

pub fn object_too_large(world: &World) -> Seen {
    world.start();
    fs::write(world.pki.folder.path().join("www/intermediate.crl"), vec![0x30; 100_000]).unwrap();
    let seen = world.check(&["--max-crl-size", "10K"]);
    of_list(&seen).says("crl.too-large", &["10240"], &["--max-crl-size"]);
    seen
}

/// The URL leads to a mail server: it speaks first, and not HTTP.
pub fn another_protocol(world: &World) -> Seen {
    world.resolve(&[]);
    world.start_postfix(2525);
    let seen = world.check_url("http://crl.real.test:2525/a.crl", &[]);
    let remedy = "have whoever runs crl.real.test port 2525 check what answers there";
    seen.only().says(
        "endpoint.unreachable",
        &["what 203.0.113.10:2525 sent makes no sense (what answers does not speak HTTP)"],
        &[remedy],
    );
    seen
}

pub fn encoding_not_asked_for(world: &World) -> Seen {
    let message = ["what 203.0.113.10:8080 sent cannot be used (content encoding br was not asked for)"];
    let remedy = "have whoever runs crl.real.test serve the object as it is";
    let locations = "location = /intermediate.crl { add_header Content-Encoding br; }";
    list_behind(world, locations, "crl.malformed", &message, &[remedy])
}

pub fn plain_text_port(world: &World) -> Seen {
    world.start();
    let seen = world.check_target(&format!("https://www.real.test:{CRL_PORT}"), &[]);
    let remedy = "check scheme and port of the target";
    seen.only().says("connection.not-tls", &["203.0.113.10:8080 does not speak TLS"], &[remedy]);
    seen
}

pub fn handshake_rejected(world: &World) -> Seen {
    world.serve("", "server { listen 8443 ssl; ssl_reject_handshake on; }");
    world.resolve(&[]);
    let seen = world.check_target("https://www.real.test:8443", &[]);
    let message = "203.0.113.10:8443 ended the TLS handshake with an alert";
    seen.only().says("connection.handshake-failed", &[message, "unrecognized_name"], &["--servername"]);
    seen
}

pub fn starttls_not_offered(world: &World) -> Seen {
    world.resolve(&[]);
    world.start_postfix(25);
    let seen = world.check_target("smtp://www.real.test", &[]);
    let remedy = "have the server's operator switch STARTTLS on";
    seen.only().says("connection.starttls-unavailable", &["203.0.113.10:25 does not offer STARTTLS"], &[remedy]);
    seen
}

pub fn https_of_a_private_ca(world: &World) -> Seen {
    let folder = world.net.folder.path();
    let ca = Authority::root(folder, "Its Own Root");
    key(folder, "own.key");
    ca.issue(folder, "own", "/CN=crl.real.test", "subjectAltName=DNS:crl.real.test\n", (-1, 30));
    let (own, lists) = (folder.join("own").display().to_string(), world.pki.folder.path().join("www"));
    world.serve(
        "",
        &format!(
            "server {{ listen 8444 ssl; ssl_certificate {own}.pem; ssl_certificate_key {own}.key; root {}; }}",
            lists.display()
        ),
    );
    world.resolve(&[]);
    let seen = world.check_url("https://crl.real.test:8444/intermediate.crl", &[]);
    unknown_issuer(&seen, "CN=Its Own Root", "203.0.113.10:8444", "crl.real.test port 8444");
    seen
}

/// The finding about an https endpoint whose certificate nobody here trusts.
pub fn unknown_issuer(seen: &Seen, issuer: &str, place: &str, host_and_port: &str) {
    let message = [
        format!("the TLS handshake with {place} failed"),
        format!("its certificate is issued by {issuer}, which leads to no trusted root"),
    ];
    let remedy = [
        format!("find out who {issuer} is"),
        format!("a product that inspects TLS on the way has to exempt {host_and_port} for this host"),
    ];
    let told = seen.told();
    let told = told.iter().find(|told| told.code == "endpoint.unreachable").unwrap_or_else(|| panic!("{seen}"));
    told.says("endpoint.unreachable", &message.each_ref().map(String::as_str), &remedy.each_ref().map(String::as_str));
}
