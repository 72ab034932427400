//! The situations that NIST's PKITS stages in its sections about CRLs (4.4, 4.5, 4.7, 4.14, 4.15), with objects of
//! our own: every CRL a file, no URL anywhere, a path of trust anchor, CA and end entity.

use super::super::fixtures::{Key, crl_issuer, directory_names, extension, point, relative_name};
use super::*;
use crate::path::{self, Purpose, Question, Source};

pub(super) const INDIRECT: &[u8] = &[0x84, 1, 0xff];
const USERS: &[u8] = &[0x81, 1, 0xff];
const CAS: &[u8] = &[0x82, 1, 0xff];
const ATTRIBUTES: &[u8] = &[0x85, 1, 0xff];
/// `keyCompromise` and `cACompromise`; the six others; `affiliationChanged` and `superseded`. With the field's tag
/// left to where it stands: 0x81 in a distribution point, 0x83 in a CRL.
const COMPROMISES: &[u8] = &[2, 5, 0x60];
const OTHERS: &[u8] = &[3, 7, 0x1f, 0x80];
const CHANGES: &[u8] = &[2, 3, 0x18];
pub(super) const NO_CRL_SIGN: &[u8] = &[3, 2, 2, 4];
pub(super) const ONLY_CRL_SIGN: &[u8] = &[3, 2, 1, 2];

fn reasons(tag: u8, bits: &[u8]) -> Vec<u8> {
    [&[tag], bits].concat()
}

/// What comes of the end entity and everything above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Revoked,
    /// With what is told of it.
    Open(String),
}

use Verdict::{Good, Revoked};

/// A trust anchor with a CA below it, and whatever else a situation needs.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) root: Ca,
    pub(super) ca: Ca,
    /// `--intermediates`
    pub(super) certificates: Vec<Arc<Certificate>>,
    /// `--crl`
    pub(super) crls: Vec<Vec<u8>>,
}

impl Stage {
    /// The anchor's own CRL revokes nothing.
    pub(super) fn new() -> Self {
        Self::with(&Leaf::ca(2, "CA"))
    }

    pub(super) fn with(ca: &Leaf) -> Self {
        let root = Ca::new("Root");
        Self::of(&root, &root.under(ca))
    }

    pub(super) fn of(root: &Ca, ca: &Ca) -> Self {
        let crls = vec![root.crl(&CrlSpec::default())];
        Self { certificates: vec![ca.certificate.clone()], root: root.clone(), ca: ca.clone(), crls }
    }

    pub(super) fn add(mut self, certificates: &[&Ca]) -> Self {
        self.certificates.extend(certificates.iter().map(|ca| ca.certificate.clone()));
        self
    }

    pub(super) async fn judge(&self, leaf: &Ca, crls: &[Vec<u8>]) -> Verdict {
        let statuses = self.statuses(&leaf.certificate, crls).await;
        if statuses.iter().any(|status| status.status == Status::Revoked) {
            return Revoked;
        }
        let open = statuses.iter().filter(|status| status.status != Status::Good);
        let open: Vec<String> = open
            .map(|status| format!("{:?}: {}", status.status, status.undetermined.as_deref().unwrap_or("")))
            .collect();
        if open.is_empty() { Good } else { Verdict::Open(open.join("; ")) }
    }

    /// As `check --offline` goes about it.
    async fn statuses(&self, leaf: &Arc<Certificate>, crls: &[Vec<u8>]) -> Vec<CertificateStatus> {
        let mut pool = Pool::default();
        self.certificates.iter().for_each(|certificate| pool.add(certificate.clone(), Source::Option));
        let store = TrustStore::of(vec![self.root.certificate.clone()], "stage");
        let question = Question::new(at(), Purpose::Any);
        let search = path::search(leaf, &pool, &store, &question, &StandardJudge);
        assert!(search.any_valid(), "{:?}", search.chosen());
        let certificates = crate::settle::subjects(&search, leaf);
        let crls = self.crls.iter().chain(crls);
        let crl_files = crls.enumerate().map(|(number, crl)| (format!("{number}.crl"), Bytes::from(crl.clone())));
        let options =
            RevocationOptions { offline: true, crl_files: crl_files.collect(), ..RevocationOptions::default() };
        let at_hand = AtHand { pool: &pool, store: &store, judge: &StandardJudge };
        let subjects = Subjects { certificates: &certificates, staple: None, at_hand };
        examine(&retriever(), &options, subjects, at(), deadline(), &crate::Silent).await.statuses
    }
}

pub(super) fn assert_open(outcome: &Verdict, because: &str) {
    match outcome {
        Verdict::Open(why) if why.contains(because) => {}
        other => panic!("{other:?}, not open because of `{because}`"),
    }
}

pub(super) fn listing(serial: u8) -> CrlSpec {
    CrlSpec::revoking(&[Entry::new(serial, Some(1))])
}

#[tokio::test]
async fn basic_crls_4_4() {
    let stage = Stage::new();
    let leaf = stage.ca.under(&Leaf::new(5));
    let none = CrlSpec::default;
    assert_open(&stage.judge(&leaf, &[]).await, "none of the files given covers it");
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&none())]).await, Good);
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&listing(5))]).await, Revoked);
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&listing(6))]).await, Good);

    // The CA itself, by its issuer.
    let revoked = Stage { crls: vec![stage.root.crl(&listing(2))], ..stage.clone() };
    assert_eq!(revoked.judge(&leaf, &[stage.ca.crl(&none())]).await, Revoked);

    // Bad signature, bad issuer name, and beside it one that is right.
    let namesake = Ca::new("CA").crl(&none());
    let misnamed = stage.ca.crl(&CrlSpec { issuer: Some("Another"), ..none() });
    for wrong in [&namesake, &misnamed] {
        assert_open(&stage.judge(&leaf, std::slice::from_ref(wrong)).await, "");
        assert_eq!(stage.judge(&leaf, &[wrong.clone(), stage.ca.crl(&none())]).await, Good);
    }

    // Extensions nobody knows.
    let mut unknown = Entry::new(6, None);
    unknown.extensions.push(extension("1.2.3", true, &[5, 0]));
    assert_open(&stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::revoking(&[unknown]))]).await, "");
    assert_open(&stage.judge(&leaf, &[stage.ca.crl(&none().with("1.2.3", true, &[5, 0]))]).await, "");
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&none().with("1.2.3", false, &[5, 0]))]).await, Good);

    // Old ones, by either kind of time, and one far from over.
    for (next_update, fresh) in [
        ("2026-01-01T00:00:00Z", false),
        ("990101000000Z", false),
        ("261130000000Z", true),
        ("2050-01-01T00:00:00Z", true),
        ("9999-12-31T23:59:59Z", true),
    ] {
        let crl = stage.ca.crl(&CrlSpec { next_update: Some(next_update), ..none() });
        let outcome = stage.judge(&leaf, &[crl]).await;
        assert_eq!(outcome == Good, fresh, "{next_update}: {outcome:?}");
    }
}

#[tokio::test]
async fn serial_numbers_4_4() {
    let stage = Stage::new();
    let long: Vec<u8> = [0x7f].into_iter().chain(0..19).collect();
    let longer: Vec<u8> = [0x7f].into_iter().chain(0..18).chain([99]).collect();
    for (certificate, entry, outcome) in [
        (&[0xff][..], &[0xff][..], Revoked),
        (&[0, 0xff], &[0xff], Good),
        (&[0xff], &[0, 0xff], Good),
        (&[0, 0xff], &[0, 0xff], Revoked),
        (&long, &long, Revoked),
        (&long, &longer, Good),
        (&long, &long[1..], Good),
    ] {
        let leaf = stage.ca.under(&Leaf::new(5).serial(certificate));
        let entry = Entry { serial: entry.to_vec(), ..Entry::new(0, None) };
        let crl = stage.ca.crl(&CrlSpec::revoking(std::slice::from_ref(&entry)));
        assert_eq!(stage.judge(&leaf, &[crl]).await, outcome, "{certificate:02x?} {:02x?}", entry.serial);
    }
}

#[tokio::test]
async fn separate_keys_for_certificates_and_crls_4_4() {
    let stage = Stage::with(&Leaf::ca_for(2, "CA", NO_CRL_SIGN));
    let leaf = stage.ca.under(&Leaf::new(5));
    let signer = stage.root.under(&Leaf::ca_for(3, "CA", ONLY_CRL_SIGN));
    let crl = |spec| vec![signer.crl(&spec)];
    assert_open(&stage.judge(&leaf, &crl(CrlSpec::default())).await, "");
    let stage = stage.add(&[&signer]);
    assert_eq!(stage.judge(&leaf, &crl(CrlSpec::default())).await, Good);
    assert_eq!(stage.judge(&leaf, &crl(listing(5))).await, Revoked);
    // The CA's other key is not for CRLs.
    assert_open(&stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default())]).await, "");

    // The certificate of the key that signs CRLs is itself revoked.
    let stage = Stage { crls: vec![stage.root.crl(&listing(3))], ..stage };
    assert_open(&stage.judge(&leaf, &crl(CrlSpec::default())).await, "");
}

#[tokio::test]
async fn a_namesake_below_another_anchor_signs_for_nobody() {
    let other = Ca::new("Other root");
    let namesake = other.under(&Leaf::ca_for(3, "CA", ONLY_CRL_SIGN));
    let stage = Stage::new();
    let leaf = stage.ca.under(&Leaf::new(5));
    let crl = [namesake.crl(&CrlSpec::default())];
    for stage in [stage.clone().add(&[&namesake]), stage.clone().add(&[&namesake, &other])] {
        assert_open(&stage.judge(&leaf, &crl).await, "");
    }
    // Trusted, but not the anchor of this certificate.
    let mut pool = Pool::default();
    let certificates = [&stage.ca.certificate, &namesake.certificate, &leaf.certificate];
    certificates.into_iter().for_each(|certificate| pool.add(certificate.clone(), Source::Option));
    let store = TrustStore::of(vec![stage.root.certificate.clone(), other.certificate.clone()], "both");
    let at_hand = AtHand { pool: &pool, store: &store, judge: &StandardJudge };
    let signers = crl::Signers::at_hand(at_hand, at());
    let read = crate::x509::crl::read(&crl[0], &[]).unwrap();
    let mut subject = stage.ca.subject(&Leaf::new(5));
    subject.anchors = vec![stage.root.certificate.clone()];
    assert_eq!(signers.verify_for(&read, &subject), crl::Signed::NoPath { signer: "CN=CA".to_owned() });
    subject.anchors = vec![other.certificate.clone()];
    assert_eq!(signers.verify_for(&read, &subject), crl::Signed::By(namesake.certificate.clone()));
}

#[tokio::test]
async fn self_issued_certificates_4_5() {
    let root = Ca::new("Root");
    let (old, new) = (Arc::new(Key::generate()), Arc::new(Key::generate()));

    // The anchor certified the new key; the old one, which signed the end entity, is certified with the new.
    let ca = root.under_with(&Leaf::ca(2, "CA"), &new);
    let old_with_new = ca.under_with(&Leaf::ca(3, "CA"), &old);
    let leaf = old_with_new.under(&Leaf::new(5));
    let stage = Stage::of(&root, &ca).add(&[&old_with_new]);
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default())]).await, Good);
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&listing(5))]).await, Revoked);
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&listing(3))]).await, Revoked, "the self-issued certificate");

    // The anchor certified the old key, which signed the end entity; CRLs are signed with the new.
    let ca = root.under_with(&Leaf::ca(2, "CA"), &old);
    let new_with_old = ca.under_with(&Leaf::ca(3, "CA"), &new);
    let leaf = ca.under(&Leaf::new(5));
    let stage = Stage::of(&root, &ca).add(&[&new_with_old]);
    let by_new = |spec| vec![new_with_old.crl(&spec)];
    assert_eq!(stage.judge(&leaf, &by_new(CrlSpec::default())).await, Good);
    assert_eq!(stage.judge(&leaf, &by_new(listing(5))).await, Revoked);
    let of_signer = stage.ca.crl(&listing(3));
    let both = [by_new(CrlSpec::default()), vec![of_signer]].concat();
    assert_eq!(stage.judge(&leaf, &both).await, Good, "the old key's own CRL covers the end entity too");

    // A self-issued certificate for CRLs only.
    let ca = root.under(&Leaf::ca(2, "CA"));
    let point_of = |name| point(&[&directory_names(&[&["CA", name]])]);
    let signer = ca.under(&Leaf::crl_signer(3, "CA").points(&[point_of("CRL of the signer")]));
    let leaf = ca.under(&Leaf::new(5));
    let stage = Stage::of(&root, &ca).add(&[&signer]);
    assert_eq!(stage.judge(&leaf, &[signer.crl(&CrlSpec::default())]).await, Good);
    assert_eq!(stage.judge(&leaf, &[signer.crl(&listing(5))]).await, Revoked);
    let of_signer = listing(3).scoped(&[&directory_names(&[&["CA", "CRL of the signer"]])]);
    let both = [signer.crl(&CrlSpec::default()), stage.ca.crl(&of_signer)];
    assert_open(&stage.judge(&leaf, &both).await, "");
}

#[tokio::test]
async fn key_usage_4_7() {
    for critical in [true, false] {
        let usage = |bits| Leaf::new(2).extension("2.5.29.15", critical, bits);
        let ca = |bits| {
            let leaf = Leaf::ca_for(2, "CA", bits);
            if critical { leaf } else { usage(bits).named("CA").extension("2.5.29.19", true, &[0x30, 3, 1, 1, 0xff]) }
        };
        for (bits, outcome) in [(&[3, 2, 1, 6][..], true), (NO_CRL_SIGN, false)] {
            let stage = Stage::with(&ca(bits));
            let leaf = stage.ca.under(&Leaf::new(5));
            let judged = stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default())]).await;
            assert_eq!(judged == Good, outcome, "{bits:?} {judged:?}");
        }
    }
}

#[tokio::test]
async fn distribution_points_4_14() {
    let stage = Stage::new();
    let full = |name| directory_names(&[&["CA", name]]);
    let forms = |name: &'static str| [full(name), relative_name(name)];
    for ours in forms("CRL1") {
        for (theirs, is_same) in
            forms("CRL1").map(|form| (form, true)).into_iter().chain(forms("CRL2").map(|it| (it, false)))
        {
            let leaf = stage.ca.under(&Leaf::new(5).points(&[point(&[&ours])]));
            let crl = |spec: CrlSpec| vec![stage.ca.crl(&spec.scoped(&[&theirs]))];
            let (unlisted, listed) =
                (stage.judge(&leaf, &crl(CrlSpec::default())).await, stage.judge(&leaf, &crl(listing(5))).await);
            if is_same {
                assert_eq!((unlisted, listed), (Good, Revoked));
            } else {
                assert_open(&unlisted, "it is the CRL of another distribution point");
                assert_open(&listed, "it is the CRL of another distribution point");
            }
        }
        let leaf = stage.ca.under(&Leaf::new(5).points(&[point(&[&ours])]));
        assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default())]).await, Good, "a CRL for every point");
    }
    let several = directory_names(&[&["CA", "CRL0"], &["CA", "CRL1"]]);
    let leaf = stage.ca.under(&Leaf::new(5).points(&[point(&[&full("CRL1")])]));
    assert_eq!(stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default().scoped(&[&several]))]).await, Good);
    // A certificate without points is in no shard.
    let plain = stage.ca.under(&Leaf::new(5));
    assert_open(&stage.judge(&plain, &[stage.ca.crl(&CrlSpec::default().scoped(&[&several]))]).await, "CRL0");
}

#[tokio::test]
async fn kinds_of_certificates_4_14() {
    let stage = Stage::new();
    let user = stage.ca.under(&Leaf::new(5));
    let authority = stage.ca.under(&Leaf::ca(5, "Sub"));
    for (leaf, scope, covered) in [
        (&user, USERS, true),
        (&authority, USERS, false),
        (&user, CAS, false),
        (&authority, CAS, true),
        (&user, ATTRIBUTES, false),
        (&authority, ATTRIBUTES, false),
    ] {
        // A CA stands where the target's own certificate should, so ask for its status only.
        let mut subject = stage.ca.subject(&Leaf::new(6));
        subject.certificate = leaf.certificate.clone();
        let answer = |spec: CrlSpec| {
            let body = retrieve::CrlBody::read(
                &stage.ca.crl(&spec.scoped(&[scope])).into(),
                std::slice::from_ref(&leaf.certificate.serial),
            );
            let source = crl::CrlSource {
                url: "a.crl".to_owned(),
                role: crl::Role::File,
                subjects: vec![0],
                bodies: vec![body],
            };
            let subjects = std::slice::from_ref(&subject);
            let judgement = crl::judge(&[source], &[], subjects, &crl::Signers::default(), at());
            judgement.sources[0].answers.first().and_then(|(_, answer)| answer.answer.clone())
        };
        let expected = |answer| covered.then_some(answer);
        assert_eq!(answer(CrlSpec::default()), expected(Answer::Good), "{scope:?}");
        assert_eq!(answer(listing(5)), revoked(Some(1)).filter(|_| covered), "{scope:?}");
    }
}

#[tokio::test]
async fn some_reasons_4_14() {
    let stage = Stage::new();
    let scoped = |bits: &[u8], entry: Option<Entry>, name: Option<&[u8]>| {
        let spec = CrlSpec::revoking(entry.as_slice());
        stage.ca.crl(&spec.scoped(&[name.unwrap_or_default(), &reasons(0x83, bits)]))
    };
    // Two CRLs for a certificate that names no point.
    let leaf = stage.ca.under(&Leaf::new(5));
    let hold = || Some(Entry::new(5, Some(6)));
    let compromise = || Some(Entry::new(5, Some(1)));
    let both = [scoped(COMPROMISES, None, None), scoped(OTHERS, None, None)];
    assert_eq!(stage.judge(&leaf, &both).await, Good);
    let compromised = [scoped(COMPROMISES, compromise(), None), scoped(OTHERS, None, None)];
    assert_eq!(stage.judge(&leaf, &compromised).await, Revoked);
    let held = [scoped(COMPROMISES, None, None), scoped(OTHERS, hold(), None)];
    assert_eq!(stage.judge(&leaf, &held).await, Revoked);
    let partly = [scoped(COMPROMISES, None, None), scoped(CHANGES, None, None)];
    assert_open(&stage.judge(&leaf, &partly).await, "no usable CRL covers the reasons cessationOfOperation");
    assert_open(&stage.judge(&leaf, &both[..1]).await, "affiliationChanged");

    // The same point for both, and a point for each.
    let name = |name| directory_names(&[&["CA", name]]);
    let (one, two) = (name("CRL1"), name("CRL2"));
    let shared = stage.ca.under(&Leaf::new(5).points(&[point(&[&one])]));
    let crls = |entry| [scoped(COMPROMISES, None, Some(&one)), scoped(OTHERS, entry, Some(&one))];
    assert_eq!(stage.judge(&shared, &crls(None)).await, Good);
    assert_eq!(stage.judge(&shared, &crls(hold())).await, Revoked);
    let split =
        Leaf::new(5).points(&[point(&[&one, &reasons(0x81, COMPROMISES)]), point(&[&two, &reasons(0x81, OTHERS)])]);
    let split = stage.ca.under(&split);
    let crls = |first, second| [scoped(COMPROMISES, first, Some(&one)), scoped(OTHERS, second, Some(&two))];
    assert_eq!(stage.judge(&split, &crls(None, None)).await, Good);
    assert_eq!(stage.judge(&split, &crls(compromise(), None)).await, Revoked);
    assert_eq!(stage.judge(&split, &crls(None, hold())).await, Revoked);
    assert_open(&stage.judge(&split, &crls(None, None)[1..]).await, "keyCompromise, cACompromise");
}

#[tokio::test]
async fn indirect_crls_4_14() {
    let root = Ca::new("Root");
    let (ca, other) = (root.under(&Leaf::ca(2, "CA")), root.under(&Leaf::ca(3, "Other")));
    let stage = Stage::of(&root, &ca).add(&[&other]);
    let indirect = |entries: &[Entry]| vec![stage.ca.crl(&CrlSpec::revoking(entries).scoped(&[INDIRECT]))];
    let entry = || Entry::new(5, Some(1));

    // For the signer's own certificates: entries are its own until one names another issuer.
    let own = stage.ca.under(&Leaf::new(5));
    assert_eq!(stage.judge(&own, &indirect(&[])).await, Good);
    assert_eq!(stage.judge(&own, &indirect(&[entry()])).await, Revoked);
    assert_eq!(stage.judge(&own, &indirect(&[entry().of("Other")])).await, Good);
    assert_eq!(stage.judge(&own, &indirect(&[Entry::new(9, None).of("Other"), entry()])).await, Good);
    assert_eq!(stage.judge(&own, &indirect(&[Entry::new(9, None).of("Other"), entry().of("CA")])).await, Revoked);

    // For those of another CA, which issues no CRLs.
    let points = |name: &str| [point(&[&crl_issuer(name)])];
    let leaf = other.under(&Leaf::new(5).points(&points("CA")));
    assert_eq!(stage.judge(&leaf, &indirect(&[])).await, Good);
    assert_eq!(stage.judge(&leaf, &indirect(&[entry()])).await, Good, "the signer's own certificate of that number");
    assert_eq!(stage.judge(&leaf, &indirect(&[entry().of("Other")])).await, Revoked);
    assert_eq!(stage.judge(&leaf, &indirect(&[Entry::new(9, None).of("Other"), entry()])).await, Revoked);
    let back = [Entry::new(9, None).of("Other"), Entry::new(8, None).of("CA"), entry()];
    assert_eq!(stage.judge(&leaf, &indirect(&back)).await, Good);
    // The point names an issuer whose CRL is not there, or whose CRL is not indirect.
    let elsewhere = other.under(&Leaf::new(5).points(&points("Nobody")));
    assert_open(&stage.judge(&elsewhere, &indirect(&[])).await, "");
    assert_open(&stage.judge(&leaf, &[stage.ca.crl(&CrlSpec::default())]).await, "no indirect CRL");
    assert_open(&stage.judge(&elsewhere, &[other.crl(&CrlSpec::default())]).await, "");
    // A certificate that names no such point is none of the signer's business.
    assert_open(&stage.judge(&other.under(&Leaf::new(5)), &indirect(&[])).await, "");
}

#[tokio::test]
async fn crl_issuers_4_14() {
    let stage = Stage::new();
    let whole = directory_names(&[&["CRLs", "indirect"]]);
    let by = |spec: CrlSpec, signer: &Ca, name: &[u8]| signer.crl(&spec.scoped(&[name, INDIRECT]));
    let entry = || Entry::new(5, Some(1)).of("CA");
    let relative = relative_name("indirect");
    for name in [&whole, &relative] {
        let points = [point(&[name, &crl_issuer("CRLs")])];
        let leaf = stage.ca.under(&Leaf::new(5).points(&points));
        let own = [stage.ca.crl(&CrlSpec::default())];
        let signer = stage.ca.under(&Leaf::crl_signer(6, "CRLs"));
        let with_signer = stage.clone().add(&[&signer]);
        for theirs in [&whole, &relative] {
            let crl = |spec: CrlSpec| [vec![by(spec, &signer, theirs)], own.to_vec()].concat();
            assert_eq!(with_signer.judge(&leaf, &crl(CrlSpec::default())).await, Good);
            assert_eq!(with_signer.judge(&leaf, &crl(CrlSpec::revoking(&[entry()]))).await, Revoked);
        }
        // The CA's own CRL is not where this certificate's status is told.
        assert_open(&with_signer.judge(&leaf, &own).await, "");
        // Without its certificate, it is nobody's word.
        assert_open(&stage.judge(&leaf, &[by(CrlSpec::default(), &signer, &whole)]).await, "no certificate of CN=CRLs");
        let elsewhere = directory_names(&[&["CRLs", "another"]]);
        assert_open(&with_signer.judge(&leaf, &[by(CrlSpec::default(), &signer, &elsewhere)]).await, "another");
        // Its own certificate is revoked.
        let crls = [by(CrlSpec::default(), &signer, &whole), stage.ca.crl(&listing(6))];
        assert_open(&with_signer.judge(&leaf, &crls).await, "");
        // The signer's certificate names the signer's own CRL: there is nothing that could speak against it.
        let circular = stage.ca.under(&Leaf::crl_signer(6, "CRLs").points(&points));
        let with_circular = stage.clone().add(&[&circular]);
        assert_eq!(with_circular.judge(&leaf, &[by(CrlSpec::default(), &circular, &whole)]).await, Good);
    }
}

#[tokio::test]
async fn delta_crls_4_15() {
    let stage = Stage::new();
    let leaf = stage.ca.under(&Leaf::new(5));
    let base = |number, entries: &[Entry]| CrlSpec { number: Some(number), ..CrlSpec::revoking(entries) };
    let delta = |number, built_on, entries: &[Entry]| {
        CrlSpec { this_update: "2026-11-10T00:00:00Z", ..base(number, entries) }.delta(built_on)
    };
    let both = |base: CrlSpec, delta: CrlSpec| vec![stage.ca.crl(&base), stage.ca.crl(&delta)];
    let entry = |reason| [Entry::new(5, Some(reason))];
    let stale = |spec: CrlSpec| CrlSpec { next_update: Some("2026-11-12T00:00:00Z"), ..spec };

    let alone = [stage.ca.crl(&delta(2, 1, &[]))];
    assert_open(&stage.judge(&leaf, &alone).await, "no usable complete CRL that it builds on");
    for (crls, outcome) in [
        (both(base(1, &[]), delta(2, 1, &[])), Good),
        (both(base(1, &[]), delta(2, 1, &entry(1))), Revoked),
        (both(base(1, &entry(1)), delta(2, 1, &[])), Revoked),
        (both(base(1, &entry(6)), delta(2, 1, &entry(8))), Good),
        (both(base(1, &entry(6)), delta(2, 1, &entry(1))), Revoked),
        (both(base(1, &[]), delta(2, 1, &entry(8))), Good),
        // The complete CRL is newer than the one built on.
        (both(base(3, &[]), delta(4, 1, &[])), Good),
        (both(base(3, &[]), delta(4, 1, &entry(1))), Revoked),
        // It is older: what is fresh of it stands.
        (both(base(1, &[]), delta(4, 3, &[])), Good),
        (both(base(1, &entry(6)), delta(4, 3, &entry(8))), Revoked),
        // The delta is stale.
        (both(base(1, &[]), stale(delta(2, 1, &[]))), Good),
        (both(base(1, &entry(6)), stale(delta(2, 1, &entry(8)))), Revoked),
        // The complete CRL is stale, and what is newer builds on it (RFC 5280 §6.3.3 (a)(1)(i)).
        (both(stale(base(1, &[])), delta(2, 1, &[])), Good),
        (both(stale(base(1, &entry(1))), delta(2, 1, &[])), Revoked),
        (both(stale(base(1, &entry(6))), delta(2, 1, &entry(8))), Good),
    ] {
        let reversed: Vec<Vec<u8>> = crls.iter().rev().cloned().collect();
        assert_eq!(stage.judge(&leaf, &crls).await, outcome);
        assert_eq!(stage.judge(&leaf, &reversed).await, outcome, "whichever comes first");
    }
    for crls in [
        both(stale(base(1, &[])), delta(4, 3, &[])),
        both(stale(base(1, &[])), stale(delta(2, 1, &[]))),
        both(stale(base(2, &[])), delta(2, 1, &[])),
    ] {
        assert_open(&stage.judge(&leaf, &crls).await, "");
    }

    // Signed with another of the CA's keys than the complete CRL (RFC 5280 §6.3.3 (h)).
    let rolled = stage.ca.under(&Leaf::ca(7, "CA"));
    let stage = stage.add(&[&rolled]);
    let crls = [stage.ca.crl(&base(1, &entry(6))), rolled.crl(&delta(2, 1, &entry(8)))];
    assert_eq!(stage.judge(&leaf, &crls).await, Revoked);
}
