use super::*;
use crate::report::sample;

fn shown(target: &crate::report::Target, options: &Options) -> String {
    let mut octets = Vec::new();
    super::target(target, options, &mut octets).unwrap();
    String::from_utf8(octets).unwrap()
}

fn at_width(width: usize) -> Options {
    Options { width, ..Options::default() }
}

fn columns(line: &str) -> usize {
    textwrap::core::display_width(line)
}

/// All that was written, with neither spaces nor line breaks.
fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn the_verdict_comes_first_and_everything_is_there() {
    for width in [60, 80, 120] {
        let text = shown(&sample::silent_crl(), &at_width(width));
        assert!(text.starts_with("CRITICAL  https://www.example.test:443"), "{text}");
        let dense = dense(&text);
        for part in [
            "ExampleRootCA",
            "└─ExampleIssuingCA3",
            "└─www.example.test",
            "90daysleft",
            "notrevoked(OCSP)",
            "REVOKEDsince2026-02-01(keyCompromise)",
            "trusted(native)",
            "ECP-256",
            "TLSv1.3AES_128_GCM_SHA256X25519MLKEM768",
            "timeoutCRLhttp://crl.example.test/issuing-3.crl",
            "noanswerin5s",
            "okOCSPhttp://ocsp.example.test/",
            "good,freshfor5days",
            "okcaIssuershttp://aia.example.test/issuing-3.cer",
            "3entries,freshfor6days",
            "criticalrevocation.revoked",
            "warningendpoint.unreachable",
            "→lettcpfromthismachinetocrl.example.testport80throughthefirewall",
        ] {
            assert!(dense.to_lowercase().contains(&part.to_lowercase()), "{part} is missing at {width}:\n{text}");
        }
    }
}

#[test]
fn no_line_is_wider_than_the_page() {
    for target in [sample::silent_crl(), sample::clean(), sample::hostile()] {
        for width in [20, 40, 60, 80, 100, 120, 200] {
            for verbose in [false, true] {
                let text = shown(&target, &Options { verbose, ..at_width(width) });
                for line in text.lines() {
                    assert!(columns(line) <= width, "{} columns of {width}: {line}", columns(line));
                    assert_eq!(line.trim_end(), line, "no trailing space");
                }
            }
        }
    }
}

#[test]
fn text_from_outside_is_inert() {
    for options in [at_width(80), Options { verbose: true, ..at_width(60) }, Options { quiet: true, ..at_width(80) }] {
        let text = shown(&sample::hostile(), &options);
        let harmless = |character: char| character == '\n' || !crate::render::escape::is_deceptive(character);
        assert!(text.chars().all(harmless));
        assert!(dense(&text).contains(r"\x1b[2J"), "{text}");
        assert!(dense(&text).contains(r"\u{202e}"), "{text}");
    }
}

#[test]
fn a_long_message_is_wrapped_and_not_lost() {
    let mut target = sample::silent_crl();
    let url = format!("http://crl.example.test/{}.crl", "very-long-".repeat(30));
    target.findings[0].message = format!("{url} gave no answer");
    let text = shown(&target, &at_width(60));
    assert!(dense(&text).contains(&url));
}

#[test]
fn the_targets_name_is_not_said_twice() {
    let mut target = sample::silent_crl();
    target.findings[0].message = "https://www.example.test:443: it is so".into();
    for options in [at_width(80), Options { quiet: true, ..at_width(80) }] {
        let text = shown(&target, &options);
        assert!(text.contains("it is so") && text.matches("https://www.example.test:443").count() == 1, "{text}");
    }
}

#[test]
fn a_clean_target_says_so_on_its_first_line() {
    let text = shown(&sample::clean(), &at_width(140));
    let first = text.lines().next().unwrap();
    assert_eq!(first, "OK  https://www.example.test:443 — chain verifies, not revoked, 90 days left, 4 endpoints work");
    assert!(!text.contains("critical"));
}

#[test]
fn ok_never_claims_what_was_not_checked() {
    let mut target = sample::clean();
    target.revocation.iter_mut().for_each(|entry| entry.status = Status::NotChecked);
    target.endpoints[0].status = EndpointStatus::Skipped;
    assert!(shown(&target, &at_width(140)).contains("3 endpoints work, 1 not contacted"));
    target.endpoints[1].status = EndpointStatus::Failed;
    assert!(shown(&target, &at_width(140)).contains("2 of 3 endpoints work, 1 not contacted"));
    assert!(shown(&target, &at_width(140)).contains("revocation not checked"));
    target.revocation[0].status = Status::Good;
    assert!(shown(&target, &at_width(140)).contains("not revoked as far as checked"));
    target.revocation[0].status = Status::Unknown;
    assert!(shown(&target, &at_width(140)).contains("revocation status open"));
    target.revocation[0].status = Status::Revoked;
    target.paths[0].valid = false;
    let text = shown(&target, &at_width(200));
    assert!(text.contains("the chain does not verify, which is ignored, a certificate is revoked, which is ignored"));
}

#[test]
fn quiet_is_silent_when_all_is_well_and_one_line_when_not() {
    let quiet = Options { quiet: true, ..at_width(60) };
    assert_eq!(shown(&sample::clean(), &quiet), "");
    assert_eq!(
        shown(&sample::silent_crl(), &quiet),
        "CRITICAL https://www.example.test:443: revocation.revoked: Example Issuing CA 3 was revoked on 2026-02-01 \
         (keyCompromise), says its CRL (+1 more)\n"
    );
}

#[test]
fn verbose_adds_digests_and_phases() {
    let text = dense(&shown(&sample::silent_crl(), &Options { verbose: true, ..at_width(80) }));
    for part in [sample::digest(1).as_str(), "01ab", "GET192.0.2.80:80timeout", "firstbyte0.6ms", "RFC5280§6.3"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn an_issuer_that_was_not_found_is_shown_at_the_top() {
    let mut target = sample::silent_crl();
    target.paths[0].certificates.truncate(1);
    target.paths[0].trust_store = None;
    let text = shown(&target, &at_width(100));
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.is_empty()).collect();
    assert!(lines[1].starts_with("  Example Issuing CA 3") && lines[1].ends_with("not found"), "{text}");
    assert!(lines[2].starts_with("  └─ www.example.test"), "{text}");
}

#[test]
fn colour_appears_only_when_asked_for() {
    assert!(!shown(&sample::silent_crl(), &at_width(80)).contains('\x1b'));
    let text = shown(&sample::silent_crl(), &Options { color: true, ..at_width(80) });
    assert!(text.starts_with("\x1b[1m\x1b[31mCRITICAL\x1b[0m"), "{text:?}");
}

#[test]
fn several_targets_end_in_a_summary() {
    let report = sample::report(vec![sample::clean(), sample::silent_crl(), sample::clean()]);
    let mut octets = Vec::new();
    super::report(&report, &Options::default(), &mut octets).unwrap();
    assert!(String::from_utf8(octets).unwrap().ends_with("\n\n3 targets: 1 critical, 2 ok\n"));
}

#[test]
fn url_says_its_word_first() {
    for width in [60, 80, 200] {
        let mut octets = Vec::new();
        super::url(&sample::url_report(), &at_width(width), &mut octets).unwrap();
        let text = String::from_utf8(octets).unwrap();
        assert!(text.starts_with("Expired  http://crl.example.test/root.crl"), "{text}");
        assert!(dense(&text).contains("CRLnumber12ofCN=ExampleRootCA,O=Example,3entries"), "{text}");
        assert!(dense(&text).contains("(stalefor3days),signaturevalid"), "{text}");
        assert!(dense(&text).contains("criticalcrl.expired"), "{text}");
        assert!(text.lines().all(|line| columns(line) <= width));
    }
}

#[test]
fn what_calls_for_the_same_remedy_is_told_together() {
    let mut target = sample::silent_crl();
    let mut second = target.findings[0].clone();
    second.message = "Example Issuing CA 4 was revoked as well".into();
    target.findings.push(second);
    let text = shown(&target, &at_width(100));
    assert_eq!(text.matches("critical  revocation.revoked").count(), 1, "{text}");
    assert_eq!(text.matches("→ replace the certificate").count(), 1, "{text}");
    assert!(text.contains("\n  Example Issuing CA 4 was revoked as well\n"), "{text}");
    let verbose = shown(&target, &Options { verbose: true, ..at_width(100) });
    assert_eq!(verbose.matches("critical  revocation.revoked").count(), 2, "each with what it is about: {verbose}");
}

#[test]
fn a_connection_takes_one_line_of_eighty_columns_and_its_phases_are_for_the_curious() {
    let line = |options: &Options| -> String {
        let text = shown(&sample::clean(), options);
        text.lines().find(|line| line.starts_with("  connected")).unwrap().to_owned()
    };
    assert!(line(&at_width(80)).ends_with(" ms") && !line(&at_width(80)).contains("handshake"));
    assert!(line(&Options { verbose: true, ..at_width(200) }).contains("handshake"));
}

fn roots(report: &crate::report::roots::RootsReport, options: &Options) -> String {
    let mut octets = Vec::new();
    super::roots(report, options, &mut octets).unwrap();
    String::from_utf8(octets).unwrap()
}

#[test]
fn the_answer_about_a_root_comes_first() {
    for width in [40, 60, 80, 200] {
        let text = roots(&sample::roots_report(), &at_width(width));
        assert!(text.starts_with("expired: \"Example Root\" is in this"), "{text}");
        for part in
            ["→movetoarootthatisvalid", "criticalstore.root-missing", "expired435daysago", "CN=ExampleRoot,OU=Unit1"]
        {
            assert!(dense(&text).contains(part), "{part}: {text}");
        }
    }
    let quiet = roots(&sample::roots_report(), &Options { quiet: true, ..at_width(80) });
    assert!(quiet.starts_with("CRITICAL Example Root: store.root-missing: ") && quiet.lines().count() == 1, "{quiet}");
}

#[test]
fn roots_of_the_same_name_are_told_apart_and_the_expired_marked() {
    let mut report = sample::roots_report();
    (report.query, report.compare) = (None, None);
    report.findings.clear();
    for width in [20, 40, 80, 140] {
        for verbose in [false, true] {
            let text = roots(&report, &Options { verbose, ..at_width(width) });
            assert!(text.lines().all(|line| columns(line) <= width && line.trim_end() == line), "{width}: {text}");
        }
    }
    let text = roots(&report, &at_width(80));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "root           until               key       SHA-1");
    assert_eq!(lines[1], "Example Root   2025-01-01 expired  RSA 4096  01010101…");
    assert_eq!(lines[2], "Twin (Unit 2)  2040-01-01          RSA 4096  02020202…");
    assert!(text.ends_with("/etc/ssl/certs; 1 expired\n"), "{text}");
    assert!(roots(&report, &at_width(140)).contains(&report.roots[1].sha1), "there is room for the whole thumbprint");
}

#[test]
fn differences_from_another_list_come_by_kind() {
    let mut report = sample::roots_report();
    report.query = None;
    report.findings.clear();
    let text = roots(&report, &at_width(80));
    for part in [
        "Only here, not on Mozilla's list: 2\n",
        "Only on Mozilla's list: 1\n",
        "By another certificate than on Mozilla's list: 1\n  Twin\n    here   SHA-1 0303",
        "3 roots in this machine's trust store, 1 of them on Mozilla's list, which has 2",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
}

#[test]
fn names_of_roots_are_inert() {
    const EVIL: &str = "\x1b[2J\r\n\u{9b}2J\u{202e}gnirts\u{200b}";
    let mut report = sample::roots_report();
    for root in &mut report.roots {
        root.name = format!("{EVIL}{}", "x".repeat(300));
        root.subject = format!("CN={EVIL},OU={EVIL}");
        root.origins = vec![EVIL.to_owned()];
        root.key.algorithm = EVIL.to_owned();
    }
    report.places = vec![EVIL.to_owned()];
    let mut listed = report.clone();
    (listed.query, listed.compare) = (None, None);
    for report in [&report, &listed] {
        for options in [at_width(80), Options { verbose: true, ..at_width(60) }] {
            let text = roots(report, &options);
            let harmless = |character: char| character == '\n' || !crate::render::escape::is_deceptive(character);
            assert!(text.chars().all(harmless), "{text}");
            assert!(text.lines().all(|line| columns(line) <= options.width), "{text}");
        }
    }
}
