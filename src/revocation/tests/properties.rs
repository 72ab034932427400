//! What must hold of any input: no octet of a signed object may change, no set of faulty sources makes a "good", and
//! no order matters.

use proptest::prelude::*;

use super::super::fixtures::{Key, Single, extension};
use super::*;
use crate::path::{self, Purpose, Question, Source};
use crate::revocation::crl::{CrlSource, Role, Signers};
use crate::revocation::ocsp::Question as OcspQuestion;
use crate::revocation::retrieve::CrlBody;

/// Cases of each property: enough to find what is wrong in some weeks of runs, and still done within a second.
fn cases(count: u32) -> ProptestConfig {
    // Nothing is written beside the source; a failing case is printed whole.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(count) }
}

fn crl_says(subject: &Subject, octets: &[u8], role: Role) -> Option<Answer> {
    let serials = [subject.certificate.serial.clone()];
    let bodies = vec![CrlBody::read(&Bytes::copy_from_slice(octets), &serials)];
    let source = CrlSource { url: "a.crl".to_owned(), role, subjects: vec![0], bodies };
    let judgement = crl::judge(&[source], &[], std::slice::from_ref(subject), &Signers::default(), at());
    judgement.sources[0].answers.first().and_then(|(_, answer)| answer.answer.clone())
}

fn ocsp_says(subject: &Subject, octets: &[u8]) -> Option<Answer> {
    let (certificate, issuer) = (&subject.certificate, subject.issuer.as_ref().unwrap());
    let question = OcspQuestion { certificate, issuer, nonce: None, pool: None, at: at() };
    ocsp::judge(&Bytes::copy_from_slice(octets), &question).answer
}

/// A certificate, CRLs and responses about it, sound and each signed: good ones and revoking ones.
struct Signed {
    subject: Subject,
    crls: [Vec<u8>; 2],
    responses: [Vec<u8>; 4],
}

impl Signed {
    fn new() -> Self {
        let ca = Ca::new("CA");
        let delegate = ca.under(&Leaf::delegate(9));
        let embedded = vec![delegate.certificate.clone()];
        let by_delegate =
            |says| delegate.ocsp(&OcspSpec { embedded: embedded.clone(), ..OcspSpec::saying(&ca, 5, says) });
        let by_ca = |says| ca.ocsp(&OcspSpec::saying(&ca, 5, says));
        Self {
            subject: ca.subject(&Leaf::new(5)),
            crls: [6, 5].map(|serial| ca.crl(&CrlSpec::revoking(&[Entry::new(serial, Some(1))]))),
            responses: [by_ca(Says::Good), by_ca(Says::Revoked), by_delegate(Says::Good), by_delegate(Says::Revoked)],
        }
    }

    fn assert_not_good(&self, object: &[u8], what: &str) {
        for role in [Role::Complete, Role::File] {
            assert_ne!(crl_says(&self.subject, object, role), Some(Answer::Good), "{what}");
        }
        assert_ne!(ocsp_says(&self.subject, object), Some(Answer::Good), "{what}");
    }

    fn objects(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.crls.iter().chain(&self.responses)
    }
}

#[test]
fn no_bit_of_a_signed_object_may_change() {
    let signed = Signed::new();
    assert_eq!(crl_says(&signed.subject, &signed.crls[0], Role::File), Some(Answer::Good));
    assert_eq!(ocsp_says(&signed.subject, &signed.responses[0]), Some(Answer::Good));
    assert_eq!(ocsp_says(&signed.subject, &signed.responses[2]), Some(Answer::Good));
    for object in signed.objects() {
        for position in 0..object.len() {
            // One bit of each octet, another each time.
            let mut changed = object.clone();
            changed[position] ^= 1 << (position % 8);
            signed.assert_not_good(&changed, &format!("octet {position} of {object:02x?}"));
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_octet_of_a_signed_object_may_change(which in 0usize..6, at in any::<prop::sample::Index>(), by in 1u8..) {
        thread_local!(static SIGNED: Signed = Signed::new());
        SIGNED.with(|signed| {
            let mut changed = signed.objects().nth(which).unwrap().clone();
            let position = at.index(changed.len());
            changed[position] ^= by;
            signed.assert_not_good(&changed, &format!("octet {position} by {by:02x} of {changed:02x?}"));
        });
    }

    #[test]
    fn nothing_is_good_that_was_cut_or_put_together(
        which in (0usize..6, 0usize..6),
        cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        thread_local!(static SIGNED: Signed = Signed::new());
        SIGNED.with(|signed| {
            let [one, two] = [which.0, which.1].map(|index| signed.objects().nth(index).unwrap());
            let (head, tail) = (&one[..cuts.0.index(one.len())], &two[cuts.1.index(two.len())..]);
            let spliced = [head, tail].concat();
            if signed.objects().all(|whole| !spliced.starts_with(whole)) {
                signed.assert_not_good(&spliced, &format!("{spliced:02x?}"));
            }
        });
    }
}

/// A source: a CRL file, an OCSP response file, or the staple.
#[derive(Clone)]
enum Given {
    Crl(Vec<u8>),
    Ocsp(Vec<u8>),
    Staple(Vec<u8>),
}

/// A target below an intermediate, and sources for its own certificate.
struct Sources {
    root: Ca,
    ca: Ca,
    leaf: Arc<Certificate>,
    /// None of these may make it good, alone or together.
    faulty: Vec<(&'static str, Given)>,
    /// Each of these does.
    sound: Vec<Given>,
    revoking: Vec<Given>,
    others: Vec<Arc<Certificate>>,
}

impl Sources {
    fn new() -> Self {
        let root = Ca::new("Root");
        let ca = root.under(&Leaf::ca(2, "CA"));
        let leaf = ca.under(&Leaf::new(5)).certificate;
        let namesake = Ca::new("CA");
        let stranger = Ca::new("Stranger");
        let delegate = ca.under(&Leaf::delegate(9));
        let purposeless = ca.under(&Leaf::new(9));
        let late = ca.under(&Leaf::delegate(9).valid("2026-01-01T00:00:00Z", "2026-11-14T00:00:00Z"));
        let foreign = namesake.under(&Leaf::delegate(9));
        let revoked_signer = root.under(&Leaf::ca_for(3, "CA", &[3, 2, 1, 2]));
        let unfit = root.under(&Leaf::ca_for(4, "CA", &[3, 2, 2, 4]));

        let none = CrlSpec::default;
        let mut entry = Entry::new(6, None);
        entry.extensions.push(extension("1.2.3", true, &[5, 0]));
        let crl = |spec: CrlSpec| Given::Crl(ca.crl(&spec));
        let cut = |mut octets: Vec<u8>| {
            octets.truncate(octets.len() / 2);
            octets
        };
        let mut faulty = vec![
            ("stale", crl(CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..none() })),
            ("early", crl(CrlSpec { this_update: "2026-11-16T00:00:00Z", ..none() })),
            ("by a namesake", Given::Crl(namesake.crl(&none()))),
            ("by another CA", Given::Crl(stranger.crl(&none()))),
            ("by another CA in its name", Given::Crl(stranger.crl(&CrlSpec { issuer: Some("CA"), ..none() }))),
            ("by a revoked key", Given::Crl(revoked_signer.crl(&none()))),
            ("by a key that is not for CRLs", Given::Crl(unfit.crl(&none()))),
            ("with an unknown extension", crl(none().with("1.2.3", true, &[5, 0]))),
            ("with an unknown entry extension", crl(CrlSpec::revoking(&[entry]))),
            ("with a critical number", crl(CrlSpec { number: None, ..none() }.with("2.5.29.20", true, &[2, 1, 7]))),
            ("for CAs", crl(none().scoped(&[&[0x82, 1, 0xff]]))),
            ("for attribute certificates", crl(none().scoped(&[&[0x85, 1, 0xff]]))),
            ("of another point", crl(none().scoped(&[&fixtures::full_name(&["http://a/b.crl"])]))),
            ("for some reasons", crl(none().scoped(&[&[0x83, 2, 5, 0x60]]))),
            ("a delta on nothing", crl(CrlSpec { number: Some(10), ..none() }.delta(9))),
            ("cut", Given::Crl(cut(ca.crl(&none())))),
            ("no CRL", Given::Crl(b"<html>".to_vec())),
        ];
        let good = |serial| OcspSpec::good(&ca, serial);
        let by = |delegate: &Ca| delegate.ocsp(&OcspSpec { embedded: vec![delegate.certificate.clone()], ..good(5) });
        let responses = [
            ("stale", ca.ocsp(&OcspSpec { next_update: Some("2026-11-14T00:00:00Z"), ..good(5) })),
            ("early", ca.ocsp(&OcspSpec { this_update: "2026-11-16T00:00:00Z", ..good(5) })),
            ("made early", ca.ocsp(&OcspSpec { produced_at: "2026-11-16T00:00:00Z", ..good(5) })),
            ("broken", ca.ocsp(&OcspSpec { broken_signature: true, ..good(5) })),
            ("of another certificate", ca.ocsp(&good(6))),
            ("of a namesake's certificate", ca.ocsp(&OcspSpec::good(&namesake, 5))),
            ("unknown", ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Unknown))),
            ("critical", ca.ocsp(&OcspSpec { extensions: vec![extension("1.2.3", true, &[5, 0])], ..good(5) })),
            ("of version 2", ca.ocsp(&OcspSpec { version: Some(1), ..good(5) })),
            ("empty", ca.ocsp(&OcspSpec { answers: Vec::<Single<'_>>::new(), ..good(5) })),
            ("by a namesake", namesake.ocsp(&OcspSpec { responder: Some("CA"), ..good(5) })),
            ("by a stranger", by(&stranger)),
            ("by a certificate without the purpose", by(&purposeless)),
            ("by an expired delegate", by(&late)),
            ("by a namesake's delegate", by(&foreign)),
            ("refused", ERROR_UNAUTHORIZED.to_vec()),
            ("cut", cut(ca.ocsp(&good(5)))),
            ("no response", b"<html>".to_vec()),
        ];
        for (what, octets) in responses {
            faulty.push((what, Given::Ocsp(octets.clone())));
            faulty.push((what, Given::Staple(octets)));
        }
        let revoking = |entry| ca.crl(&CrlSpec::revoking(&[entry]));
        Self {
            faulty,
            sound: vec![
                crl(none()),
                Given::Ocsp(ca.ocsp(&good(5))),
                Given::Ocsp(by(&delegate)),
                Given::Staple(ca.ocsp(&good(5))),
            ],
            revoking: vec![
                Given::Crl(revoking(Entry::new(5, Some(1)))),
                Given::Crl(revoking(Entry::new(5, None))),
                Given::Ocsp(ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Revoked))),
                Given::Staple(ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Revoked))),
            ],
            others: [&namesake, &stranger, &delegate, &revoked_signer, &unfit]
                .map(|ca| ca.certificate.clone())
                .to_vec(),
            root,
            ca,
            leaf,
        }
    }

    /// The statuses of the leaf and of the CA above it, with these sources in this order and a pool in that one.
    fn examine(&self, given: &[Given], turn: usize) -> Vec<CertificateStatus> {
        let mut others = self.others.clone();
        others.push(self.ca.certificate.clone());
        others.rotate_left(turn % self.others.len());
        if turn % 2 == 1 {
            others.reverse();
        }
        let mut pool = Pool::default();
        others.into_iter().for_each(|certificate| pool.add(certificate, Source::Option));
        let store = TrustStore::of(vec![self.root.certificate.clone()], "test");
        let search = path::search(&self.leaf, &pool, &store, &Question::new(at(), Purpose::Any), &StandardJudge);
        let certificates = crate::settle::subjects(&search, &self.leaf);
        let mut options = RevocationOptions::default();
        // The anchor's CRL is there throughout, and says that one of the CA's certificates for CRLs is revoked.
        let of_root = self.root.crl(&CrlSpec::revoking(&[Entry::new(3, Some(1))]));
        options.crl_files.push(("root.crl".to_owned(), of_root.into()));
        let mut staple = None;
        for (number, given) in given.iter().enumerate() {
            match given {
                Given::Crl(octets) => options.crl_files.push((format!("{number}.crl"), octets.clone().into())),
                Given::Ocsp(octets) => options.ocsp_files.push((format!("{number}.ocsp"), octets.clone().into())),
                Given::Staple(octets) => staple = staple.or(Some(Bytes::from(octets.clone()))),
            }
        }
        let at_hand = AtHand { pool: &pool, store: &store, judge: &StandardJudge };
        let subjects = Subjects { certificates: &certificates, staple: staple.as_ref(), at_hand };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let retriever = retriever();
        let statuses =
            runtime.block_on(examine(&retriever, &options, subjects, at(), deadline(), &crate::Silent)).statuses;
        assert_eq!(statuses[0].certificate, self.leaf.sha256);
        assert_eq!((statuses[1].certificate, statuses[1].status), (self.ca.certificate.sha256, Status::Good));
        statuses
    }
}

thread_local!(static SOURCES: Sources = Sources::new());

/// There is one staple; the first counts.
fn with_one_staple(given: Vec<Given>) -> Vec<Given> {
    let mut seen = false;
    let is_first = |given: &Given| !matches!(given, Given::Staple(_)) || !std::mem::replace(&mut seen, true);
    given.into_iter().filter(is_first).collect()
}

#[test]
fn no_faulty_source_makes_good_by_itself() {
    SOURCES.with(|sources| {
        for (what, given) in &sources.faulty {
            let status = sources.examine(std::slice::from_ref(given), 0)[0].status;
            // A CRL of another issuer is no source for it at all.
            assert!(matches!(status, Status::Unknown | Status::NotChecked), "{what}: {status:?}");
        }
        for given in &sources.sound {
            assert_eq!(sources.examine(std::slice::from_ref(given), 0)[0].status, Status::Good);
        }
        for given in &sources.revoking {
            assert_eq!(sources.examine(std::slice::from_ref(given), 0)[0].status, Status::Revoked);
        }
    });
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn good_takes_a_sound_source_and_revoked_a_revoking_one(
        faulty in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        sound in prop::option::of(any::<prop::sample::Index>()),
        revoking in prop::option::weighted(0.3, any::<prop::sample::Index>()),
        shuffle in any::<u64>(),
        turn in 0usize..12,
    ) {
        SOURCES.with(|sources| {
            // Those that must count first, so that theirs is the staple.
            let mut given: Vec<Given> = Vec::new();
            given.extend(revoking.map(|index| index.get(&sources.revoking).clone()));
            given.extend(sound.map(|index| index.get(&sources.sound).clone()));
            given.extend(faulty.iter().map(|index| index.get(&sources.faulty).1.clone()));
            let given = with_one_staple(given);
            let has_sound = given.len() > usize::from(revoking.is_some()) && sound.is_some();
            let status = sources.examine(&given, turn)[0].clone();
            let expected: &[Status] = match (revoking.is_some(), has_sound) {
                (true, _) => &[Status::Revoked],
                (false, true) => &[Status::Good],
                // What has to do with other certificates only is no source at all.
                (false, false) => &[Status::Unknown, Status::NotChecked],
            };
            prop_assert!(expected.contains(&status.status), "{:?}, not {expected:?}", status.status);

            // In another order.
            let mut order: Vec<usize> = (0..given.len()).collect();
            order.sort_by_key(|index| u64::try_from(*index + 1).unwrap().wrapping_mul(shuffle | 1).rotate_left(17));
            let shuffled: Vec<Given> = order.into_iter().map(|index| given[index].clone()).collect();
            let again = sources.examine(&shuffled, turn + 1)[0].clone();
            prop_assert_eq!((again.status, again.revoked_at, again.reason), (status.status, status.revoked_at, status.reason));
            prop_assert_eq!(again.conflict.is_some(), status.conflict.is_some());
            prop_assert_eq!(again.undetermined.is_some(), status.undetermined.is_some());
            Ok(())
        })?;
    }
}

#[test]
fn delta_crls_come_to_the_same_in_any_order() {
    let ca = Ca::new("CA");
    let subject = ca.subject(&Leaf::new(5));
    let base = |number, entries: &[Entry]| CrlSpec { number: Some(number), ..CrlSpec::revoking(entries) };
    let entry = |reason| [Entry::new(5, Some(reason))];
    let crls: Vec<Vec<u8>> = [
        base(1, &entry(6)),
        base(2, &entry(8)).delta(1),
        base(3, &entry(6)).delta(1),
        base(3, &entry(8)).delta(1),
        base(4, &[]).delta(9),
    ]
    .iter()
    .map(|spec| ca.crl(spec))
    .collect();
    let serials = [subject.certificate.serial.clone()];
    let says = |order: &[usize]| {
        let sources: Vec<CrlSource> = order
            .iter()
            .map(|index| CrlSource {
                url: format!("{index}.crl"),
                role: Role::File,
                subjects: vec![0],
                bodies: vec![CrlBody::read(&crls[*index].clone().into(), &serials)],
            })
            .collect();
        let judgement = crl::judge(&sources, &[], std::slice::from_ref(&subject), &Signers::default(), at());
        let answer = |source: &crl::CrlVerdict| source.answers.first().map(|(_, answer)| answer.answer.clone());
        let mut answers: Vec<_> = order.iter().copied().zip(judgement.sources.iter().map(answer)).collect();
        answers.sort_by_key(|(index, _)| *index);
        answers
    };
    let expected = says(&[0, 1, 2, 3, 4]);
    assert!(matches!(expected[0].1, Some(Some(Answer::Revoked { .. }))), "of two with one number, revoked stands");
    for order in [[4, 3, 2, 1, 0], [0, 3, 2, 1, 4], [2, 0, 3, 4, 1], [1, 3, 0, 2, 4]] {
        assert_eq!(says(&order), expected, "{order:?}");
    }
}

#[test]
fn weak_keys_of_other_kinds_are_no_exception() {
    // The exception would be an algorithm whose signature covers less than it seems to.
    let ca = Ca::with_key("CA", Key::Sha1);
    let subject = ca.subject(&Leaf::new(5));
    let crl = ca.crl(&CrlSpec::default());
    assert_eq!(crl_says(&subject, &crl, Role::File), Some(Answer::Good));
    for position in 0..crl.len() {
        let mut changed = crl.clone();
        changed[position] ^= 1 << (position % 8);
        assert_ne!(crl_says(&subject, &changed, Role::File), Some(Answer::Good), "octet {position}");
    }
}
