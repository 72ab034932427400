//! The path judge: certificates made from the input, with whatever extensions it says, judged as one path whose
//! signatures hold; and what must be true of every judgement.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use certflight::lab::der;
use certflight::path::{self, Candidate, PathJudge, PolicyInputs, Pool, Purpose, Question, Source, TrustStore};
use certflight::path::StandardJudge;
use certflight::x509::{Certificate, SignatureError};
use libfuzzer_sys::fuzz_target;

/// Last arcs of `2.5.29`, the extensions that a judge reads.
const EXTENSIONS: [u64; 16] = [9, 14, 15, 17, 18, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54, 99];

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Names meet often: there are four.
fn name(choice: u8) -> Vec<u8> {
    let attribute = der::sequence(&[der::oid(&[2, 5, 4, 3]), der::tlv(0x0c, &[b'A' + choice % 4])]);
    match choice {
        255 => der::sequence(&[]),
        _ => der::sequence(&[der::set_of(&attribute)]),
    }
}

/// Values that decode, next to whatever the input says.
fn value(extension: u64, input: &mut Input<'_>) -> Vec<u8> {
    let choice = input.octet();
    let flag = |octet: u8| der::tlv(1, &[if octet & 1 == 0 { 0 } else { 0xff }]);
    let policy = |octet: u8| match octet % 5 {
        0 => der::oid(&[2, 5, 29, 32, 0]),
        number => der::oid(&[1, 2, u64::from(number)]),
    };
    match (extension, choice % 4) {
        (19, 0) => der::sequence(&[flag(1)]),
        (19, 1) => der::sequence(&[flag(1), der::tlv(2, &[input.octet() & 3])]),
        (15, 0 | 1) => der::tlv(3, &[0, input.octet()]),
        (32, 0 | 1) => {
            let count = input.octet() % 4;
            let policies: Vec<_> = (0..count).map(|_| der::sequence(&[policy(input.octet())])).collect();
            der::sequence(&policies)
        }
        (33, 0 | 1) => der::sequence(&[der::sequence(&[policy(input.octet()), policy(input.octet())])]),
        (36, 0) => der::sequence(&[der::tlv(0x80, &[input.octet() & 3])]),
        (36, 1) => der::sequence(&[der::tlv(0x80, &[input.octet() & 3]), der::tlv(0x81, &[input.octet() & 3])]),
        (54, 0 | 1) => der::tlv(2, &[input.octet() & 3]),
        (17 | 30, 0 | 1) => {
            let form = input.octet();
            let length = usize::from(input.octet() % 16);
            let general = der::tlv(0x80 | (form & 0x2f), input.take(length));
            if extension == 17 {
                der::sequence(&[general])
            } else {
                let subtrees = der::sequence(&[general]);
                der::sequence(&[der::tlv(0xa0 | (form >> 7), &subtrees)])
            }
        }
        _ => {
            let length = usize::from(input.octet());
            input.take(length).to_vec()
        }
    }
}

fn certificate(input: &mut Input<'_>) -> Option<Arc<Certificate>> {
    let algorithm = der::sequence(&[der::oid(&[1, 2, 840, 10045, 4, 3, 2])]);
    let key_type = der::sequence(&[der::oid(&[1, 2, 840, 10045, 2, 1]), der::oid(&[1, 2, 840, 10045, 3, 1, 7])]);
    let key = der::sequence(&[key_type, der::tlv(3, &[0, 4, input.octet()])]);
    let until: &[u8] = if input.octet() & 15 == 0 { b"240101000000Z" } else { b"300101000000Z" };
    let validity = der::sequence(&[der::tlv(0x17, b"200101000000Z"), der::tlv(0x17, until)]);
    let count = input.octet() % 8;
    let extensions: Vec<Vec<u8>> = (0..count)
        .map(|_| {
            let choice = input.octet();
            let last = EXTENSIONS[usize::from(choice % 16)];
            let critical = if choice & 0x10 == 0 { Vec::new() } else { der::tlv(1, &[0xff]) };
            let value = value(last, input);
            der::sequence(&[der::oid(&[2, 5, 29, last]), critical, der::tlv(4, &value)])
        })
        .collect();
    let serial_length = usize::from(1 + input.octet() % 22);
    let mut serial = input.take(serial_length).to_vec();
    serial.resize(serial_length, 1);
    let (issuer, subject) = (name(input.octet()), name(input.octet()));
    let extensions = der::tlv(0xa3, &der::sequence(&extensions));
    let tbs = der::sequence(&[
        der::tlv(0xa0, &der::tlv(2, &[2])),
        der::tlv(2, &serial),
        algorithm.clone(),
        issuer,
        validity,
        subject,
        key,
        extensions,
    ]);
    let whole = der::sequence(&[tbs, algorithm, der::tlv(3, &[0, 1])]);
    Certificate::from_der(whole).ok().map(Arc::new)
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let settings = input.octet();
    let wanted = input.octet();
    let certificates: Vec<Arc<Certificate>> = (0..2 + settings % 6).filter_map(|_| certificate(&mut input)).collect();
    let Some(leaf) = certificates.first() else { return };
    // Mostly they hold, so that the other rules are reached.
    let broken = input.octet();
    let links: Vec<Result<(), SignatureError>> = (0..certificates.len().saturating_sub(1))
        .map(|place| if broken == place as u8 + 1 { Err(SignatureError::Invalid) } else { Ok(()) })
        .collect();
    let candidate = Candidate { certificates: &certificates, trusted: settings & 0x80 != 0, links: &links };
    let policies = PolicyInputs {
        initial: (1..=4).filter(|bit| wanted >> bit & 1 == 1).map(|bit| format!("1.2.{bit}")).collect(),
        explicit_policy: wanted & 1 == 1,
        inhibit_policy_mapping: wanted & 0x40 != 0,
        inhibit_any_policy: wanted & 0x80 != 0,
    };
    let at = "2026-06-01T00:00:00Z".parse().unwrap();
    let question = |purpose, policies: &PolicyInputs| Question {
        policies: Arc::new(policies.clone()),
        ..Question::new(at, purpose)
    };
    let judge = |purpose, policies: &PolicyInputs| StandardJudge.judge(&candidate, &question(purpose, policies));
    let server = judge(Purpose::Server, &policies);
    let any = judge(Purpose::Any, &policies);
    for judgement in [&server, &any] {
        assert_eq!(judgement.valid, candidate.trusted && judgement.defects.is_empty());
        let known: BTreeSet<_> = certificates.iter().map(|certificate| certificate.sha256).collect();
        assert!(judgement.defects.iter().all(|defect| known.contains(&defect.certificate)));
    }
    // The profile and the purpose only ever add rules; so does demanding a policy.
    assert!(any.valid || !server.valid);
    let lenient = PolicyInputs { explicit_policy: false, ..policies.clone() };
    assert!(judge(Purpose::Any, &lenient).valid || !any.valid);
    let open = PolicyInputs { initial: BTreeSet::new(), ..policies.clone() };
    assert!(judge(Purpose::Any, &open).valid || !any.valid);
    if any.valid {
        assert!(certificates.iter().all(|certificate| certificate.valid_at(at)));
        assert!(links.iter().all(Result::is_ok));
        let below_anchor = certificates.split_last().map(|(_, below)| below).unwrap_or_default();
        let known = ["14", "15", "17", "19", "30", "31", "32", "33", "35", "36", "37", "46", "54"];
        for (place, certificate) in below_anchor.iter().enumerate() {
            let mut critical = certificate.extensions.iter().filter(|extension| extension.critical);
            assert!(critical.all(|extension| known.iter().any(|last| extension.oid == format!("2.5.29.{last}"))));
            let limit = certificate.basic_constraints.and_then(|basic| basic.path_len_constraint);
            let between = &certificates[1.min(place)..place];
            let counted = between.iter().filter(|ca| !ca.is_self_issued()).count();
            assert!(place == 0 || limit.is_none_or(|limit| counted as u32 <= limit));
        }
        if let Some((_, cas)) = certificates.split_last().and_then(|(_, below)| below.split_first()) {
            assert!(cas.iter().all(|ca| ca.is_ca() && ca.key_usage.is_none_or(|usage| usage.key_cert_sign())));
        }
    }
    let mut pool = Pool::default();
    for certificate in &certificates {
        pool.add(Arc::clone(certificate), Source::Served);
    }
    let store = TrustStore::of(certificates.last().cloned().into_iter().collect(), "fuzz");
    let search = path::search(leaf, &pool, &store, &question(Purpose::Any, &policies), &StandardJudge);
    assert!(!search.paths.is_empty());
});
