use super::*;
use crate::acquire::StarttlsRefusal;
use crate::acquire::by_hand::{Foreign, PlainHandshake, PlainSuite};
use crate::handshake::{CipherSuite, Group, SignatureScheme, Version, ssl2};
use crate::net::{Failure, Resolution};

fn with(connections: Vec<Connection>) -> Examination {
    let mut examination = clean();
    examination.presented = Ok(by_server(connections));
    if connections_served_nothing(&examination) {
        examination.search = PathSearch::default();
        examination.revocation = RevocationFacts::default();
    }
    examination
}

fn connections_served_nothing(examination: &Examination) -> bool {
    examination.presented.as_ref().unwrap().certificates().is_empty()
}

fn served() -> (Examination, Vec<PresentedCertificate>) {
    let examination = clean();
    let served = examination.presented.as_ref().unwrap().certificates().to_vec();
    (examination, served)
}

fn made(address: &str, outcome: Outcome) -> Connection {
    connection(address, outcome, Vec::new())
}

#[test]
fn each_way_a_name_can_fail_is_a_dns_failure() {
    for outcome in [Outcome::DnsNxdomain, Outcome::DnsNoAddress, Outcome::DnsTimeout, Outcome::DnsFailure] {
        let mut none = made("192.0.2.1:443", outcome);
        none.address = None;
        let findings = expect(&with(vec![none]), &[("connection.dns-failure", Critical)]);
        assert!(findings[0].message.contains("www.example.test"), "{}", findings[0].message);
    }
    let mut resolved = with(Vec::new());
    let failure = Failure { outcome: Outcome::DnsNxdomain, detail: None, cause: None, elapsed: Duration::ZERO };
    resolved.presented = Ok(Presented::ByServer {
        name: "www.example.test".to_owned(),
        resolution: Some(Resolution { failure: Some(failure), ..Resolution::default() }),
        connections: Vec::new(),
    });
    let findings = expect(&resolved, &[("connection.dns-failure", Critical)]);
    assert_eq!(findings[0].message, format!("{TARGET}: the name www.example.test does not exist (NXDOMAIN)"));
}

#[test]
fn no_connection_at_all_is_never_ok() {
    expect(&with(Vec::new()), &[("connection.failed", Critical)]);
    let empty = made("192.0.2.1:443", Outcome::Ok);
    expect(&with(vec![empty]), &[("connection.handshake-failed", Critical)]);
}

#[test]
fn unconnected_addresses_are_one_failure_with_each_outcome() {
    let examination = with(vec![made("192.0.2.1:443", Outcome::Timeout), made("192.0.2.2:443", Outcome::Refused)]);
    let findings = expect(&examination, &[("connection.failed", Critical)]);
    assert_eq!(
        findings[0].message,
        format!(
            "{TARGET}: no answer from 192.0.2.1:443 within 5 s (packets dropped?) and 192.0.2.2:443 refused the connection"
        )
    );
    assert!(findings[0].remedy.starts_with(
        "allow outbound TCP to www.example.test (192.0.2.1) port 443 from this host, with its replies; have"
    ));
}

#[test]
fn a_denying_proxy_is_a_failed_connection_whatever_it_resolved() {
    for outcome in [Outcome::ProxyDenied, Outcome::DnsNxdomain] {
        let mut proxied = made("192.0.2.9:3128", outcome);
        proxied.address = None;
        proxied.through_proxy = true;
        proxied.connected = false;
        let findings = expect(&with(vec![proxied]), &[("connection.failed", Critical)]);
        assert!(outcome != Outcome::ProxyDenied || findings[0].remedy.contains("www.example.test port 443"));
    }
}

#[test]
fn a_connection_that_was_made_and_fell_silent_is_a_failed_handshake() {
    for outcome in [Outcome::Timeout, Outcome::Reset, Outcome::Closed, Outcome::TlsAlert, Outcome::Stalled] {
        let mut silent = made("192.0.2.1:443", outcome);
        silent.connected = true;
        let findings = expect(&with(vec![silent]), &[("connection.handshake-failed", Critical)]);
        assert_eq!(findings[0].about, About::Connection("192.0.2.1:443".to_owned()));
    }
}

#[test]
fn what_got_furthest_is_told_with_the_rest_beside_it() {
    let mut alert = made("192.0.2.1:443", Outcome::TlsAlert);
    alert.detail = Some("alert: handshake_failure".to_owned());
    let examination = with(vec![alert, made("192.0.2.2:443", Outcome::Refused)]);
    let findings = expect(&examination, &[("connection.handshake-failed", Critical)]);
    assert!(findings[0].message.contains("alert: handshake_failure"));
    assert!(findings[0].message.ends_with("besides, 192.0.2.2:443 refused the connection"));
}

#[test]
fn plain_text_and_starttls_have_codes_of_their_own() {
    let findings = expect(&with(vec![made("192.0.2.1:443", Outcome::NotTls)]), &[("connection.not-tls", Critical)]);
    assert!(findings[0].remedy.contains("such as smtp:// or imap://"), "{}", findings[0].remedy);
    let refused = |text: &str| StarttlsRefusal::Refused(text.to_owned());
    let masked = || StarttlsRefusal::Masked("220 ****".to_owned());
    for (target, refusal, message, remedy) in [
        (
            "smtp://a.test:25",
            StarttlsRefusal::NotOffered,
            "does not offer STARTTLS (EHLO lists nothing)",
            "switch STARTTLS on",
        ),
        ("pop3://a.test:110", StarttlsRefusal::NotOffered, "does not offer STLS (", "switch STLS on"),
        ("mssql://a.test:1433", StarttlsRefusal::NotOffered, "does not offer encryption (", "switch encryption on"),
        ("ftp://a.test:21", refused("431 no"), "refused AUTH TLS: 431 no", "why it refuses AUTH TLS"),
        (
            "smtp://a.test:25",
            masked(),
            "does not offer STARTTLS, and a middlebox",
            "rewriting SMTP (Cisco's \"inspect esmtp\"",
        ),
        (
            "ftp://a.test:21",
            masked(),
            "does not offer AUTH TLS, and a middlebox",
            "rewriting FTP (Cisco's \"inspect ftp\" with",
        ),
        (
            "imap://a.test:143",
            masked(),
            "does not offer STARTTLS, and a middlebox",
            "stop rewriting IMAP for this server",
        ),
    ] {
        let mut refused = made("192.0.2.1:25", Outcome::StarttlsRefused);
        refused.starttls_refusal = Some(refusal);
        refused.detail = Some("EHLO lists nothing".to_owned());
        let mut examination = with(vec![refused]);
        examination.target = target.to_owned();
        let findings = expect(&examination, &[("connection.starttls-unavailable", Critical)]);
        assert!(findings[0].message.contains(message), "{}", findings[0].message);
        assert!(findings[0].remedy.contains(remedy), "{}", findings[0].remedy);
    }
}

#[test]
fn a_wrong_scheme_is_thought_of() {
    for (target, outcome, remedy) in [
        ("imap://a.test:993", Outcome::NotTls, "imaps:// is for a port that speaks TLS at once"),
        ("imap://a.test:993", Outcome::Timeout, "imaps:// is for a port that speaks TLS at once"),
        ("postgres://a.test:1", Outcome::Timeout, "tls:// is for a port that speaks TLS at once"),
        ("smtps://a.test:25", Outcome::NotTls, "a port that begins in plain text wants smtp:// or submission://"),
        (
            "tls://a.test:25",
            Outcome::NotTls,
            "a port that begins in plain text wants the scheme of its protocol, such as smtp:// or imap://",
        ),
    ] {
        let mut failed = made("192.0.2.1:25", outcome);
        failed.connected = true;
        let mut examination = with(vec![failed]);
        examination.target = target.to_owned();
        let code = if outcome == Outcome::NotTls { "connection.not-tls" } else { "connection.handshake-failed" };
        let findings = expect(&examination, &[(code, Critical)]);
        let start = format!("check scheme and port of the target ({remedy}");
        assert!(findings[0].remedy.starts_with(&start), "{}", findings[0].remedy);
    }
    for outcome in [Outcome::Reset, Outcome::Closed] {
        let mut cut = made("192.0.2.1:1433", outcome);
        cut.connected = true;
        let mut examination = with(vec![cut]);
        examination.target = "mssql://a.test:1433".to_owned();
        let findings = expect(&examination, &[("connection.handshake-failed", Critical)]);
        let end = "; besides, tls:// is for a port that speaks TLS at once";
        assert!(findings[0].remedy.ends_with(end), "{}", findings[0].remedy);
    }
}

#[test]
fn an_address_that_fails_beside_one_that_works_is_partial() {
    let (mut examination, _) = served();
    connections(&mut examination).insert(0, made("192.0.2.7:443", Outcome::Timeout));
    let findings = expect(&examination, &[("connection.partial", Warning)]);
    assert!(findings[0].message.contains("1 of 2 addresses") && findings[0].message.contains("192.0.2.7:443"));
}

#[test]
fn a_retry_that_worked_is_not_partial() {
    let (mut examination, _) = served();
    connections(&mut examination).insert(0, made("192.0.2.1:443", Outcome::Reset));
    expect(&examination, &[]);
}

#[test]
fn a_family_without_a_route_is_not_partial() {
    let (mut examination, served) = served();
    connections(&mut examination).push(made("[2001:db8::1]:443", Outcome::Unreachable));
    expect(&examination, &[]);
    // But where the family does work, its lost addresses count.
    connections(&mut examination).push(connection("[2001:db8::2]:443", Outcome::Ok, served));
    expect(&examination, &[("connection.partial", Warning)]);
}

#[test]
fn different_chains_behind_one_name_are_told() {
    let (mut examination, served) = served();
    connections(&mut examination).push(connection("192.0.2.2:443", Outcome::Ok, served.clone()));
    expect(&examination, &[]);
    connections(&mut examination).push(connection("192.0.2.3:443", Outcome::Ok, served[..1].to_vec()));
    let findings = expect(&examination, &[("connection.addresses-differ", Warning)]);
    assert!(findings[0].message.contains("same certificate with different intermediates"));
    let other = PresentedCertificate::Decoded(Arc::new(certificate("other", "CA 1")));
    *connections(&mut examination).last_mut().unwrap() = connection("192.0.2.3:443", Outcome::Ok, vec![other]);
    let findings = expect(&examination, &[("connection.addresses-differ", Warning)]);
    assert!(findings[0].message.contains("192.0.2.1:443 and 192.0.2.2:443 serves www.example.test until "));
}

#[test]
fn a_demanded_client_certificate_is_a_warning_and_the_chain_is_judged() {
    let (mut examination, _) = served();
    let only = &mut connections(&mut examination)[0];
    only.outcome = Outcome::TlsAlert;
    only.client_certificate = ClientCertificate::Required;
    expect(&examination, &[("connection.client-certificate-required", Warning)]);
    connections(&mut examination)[0].client_certificate = ClientCertificate::Requested;
    connections(&mut examination)[0].outcome = Outcome::Ok;
    expect(&examination, &[]);
}

fn plain(version: Version, suite: u16, foreign: &[Foreign]) -> PlainHandshake {
    PlainHandshake {
        version,
        suite: PlainSuite::Tls(CipherSuite(suite)),
        group: None,
        dh_bits: None,
        signature: None,
        refuses_tls12: None,
        with_extensions: true,
        foreign: foreign.to_vec(),
    }
}

/// What is told of a server that showed this in plain text and serves a sound chain.
fn told(plain: PlainHandshake, expected: &[(&'static str, Severity)]) -> Finding {
    let (mut examination, _) = served();
    connections(&mut examination)[0].plain = Some(Box::new(plain));
    expect(&examination, expected).remove(0)
}

#[test]
fn a_server_of_an_old_version_is_told_with_how_it_answers() {
    let old = [("connection.legacy-tls", Critical)];
    let finding = told(plain(Version::Tls10, 0x0035, &[Foreign::Version]), &old);
    assert_eq!(
        finding.message,
        "192.0.2.1:443 speaks nothing newer than TLS 1.0: it answers a hello of TLS 1.2 with TLS 1.0 and \
         TLS_RSA_WITH_AES_256_CBC_SHA"
    );
    assert_eq!(finding.about, About::Connection("192.0.2.1:443".to_owned()));
    assert!(!finding.remedy.contains("until then"), "{}", finding.remedy);
    let intolerant = PlainHandshake {
        refuses_tls12: Some("with a reset".to_owned()),
        with_extensions: false,
        ..plain(Version::Ssl3, 0x0005, &[Foreign::Version])
    };
    let finding = told(intolerant, &old);
    assert!(
        finding.message.ends_with(
            "it answers a hello of SSL 3, without extensions, with TLS_RSA_WITH_RC4_128_SHA, and refuses the same hello of \
             TLS 1.2 with a reset"
        ),
        "{}",
        finding.message
    );
    assert!(finding.remedy.contains("until then"), "{}", finding.remedy);
    let oldest = PlainHandshake {
        suite: PlainSuite::Ssl2(ssl2::CipherKind::ALL[..2].to_vec()),
        ..plain(Version::Ssl2, 0, &[Foreign::Version])
    };
    let finding = told(oldest, &old);
    assert!(finding.message.ends_with("with SSL_CK_DES_192_EDE3_CBC_WITH_MD5 and 1 more"), "{}", finding.message);
}

#[test]
fn suites_that_few_clients_offer_are_a_warning_and_broken_ones_critical() {
    for (suite, severity, words) in [
        (0x0035, Warning, "TLS_RSA_WITH_AES_256_CBC_SHA (no forward secrecy)"),
        (0x000a, Warning, "TLS_RSA_WITH_3DES_EDE_CBC_SHA (3DES)"),
        (0x0005, Critical, "TLS_RSA_WITH_RC4_128_SHA (RC4)"),
        (0x0003, Critical, "TLS_RSA_EXPORT_WITH_RC4_40_MD5 (EXPORT and RC4)"),
        (0x0002, Critical, "TLS_RSA_WITH_NULL_SHA (NULL)"),
        (0xc013, Warning, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    ] {
        let finding =
            told(plain(Version::Tls12, suite, &[Foreign::Suite]), &[("connection.no-modern-suite", severity)]);
        assert!(finding.message.ends_with(words), "{}", finding.message);
        assert!(finding.remedy.contains("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "{}", finding.remedy);
    }
    for (bits, severity) in [(1024, Warning), (512, Critical)] {
        let dhe = PlainHandshake { dh_bits: Some(bits), ..plain(Version::Tls12, 0x009e, &[Foreign::Suite]) };
        let finding = told(dhe, &[("connection.no-modern-suite", severity)]);
        assert!(finding.message.contains(&format!("a prime of {bits} bits")), "{}", finding.message);
    }
    let rare = PlainHandshake {
        group: Some(Group::SECP521R1),
        signature: Some(SignatureScheme(0x0203)),
        ..plain(Version::Tls12, 0xc02b, &[Foreign::Group, Foreign::Signature])
    };
    let finding = told(rare, &[("connection.no-modern-suite", Warning)]);
    assert!(finding.message.contains("over secp521r1") && finding.message.contains("with ecdsa_sha1"));
    assert!(finding.remedy.contains("x25519") && finding.remedy.contains("ecdsa_secp256r1_sha256"));
}

#[test]
fn a_failed_handshake_tells_what_a_smaller_hello_was_answered() {
    let mut cut = made("192.0.2.1:443", Outcome::Reset);
    cut.connected = true;
    cut.plain = Some(Box::new(plain(Version::Tls12, 0xc02f, &[])));
    let findings = expect(&with(vec![cut.clone()]), &[("connection.handshake-failed", Critical)]);
    assert!(
        findings[0].message.contains("yet it answers a smaller hello")
            && findings[0].message.ends_with("with TLS 1.2 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        "{}",
        findings[0].message
    );
    assert!(findings[0].remedy.contains("check again"), "{}", findings[0].remedy);
    // Nobody is authenticated: there is no chain in the handshake's stead.
    cut.plain = Some(Box::new(plain(Version::Tls12, 0x0034, &[Foreign::Suite])));
    let findings = expect(&with(vec![cut]), &[("connection.handshake-failed", Critical)]);
    assert!(findings[0].message.ends_with("which presents no certificate"), "{}", findings[0].message);
    assert!(findings[0].remedy.contains("give it a certificate"), "{}", findings[0].remedy);
}
