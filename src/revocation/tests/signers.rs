//! Signers of CRLs that are on no path of the certificate in question: they count with a path that is valid and of which
//! nothing is revoked, as far as CRLs tell, and whatever else is at hand.

use super::super::fixtures::{crl_issuer, point};
use super::pkits::Verdict::{Good, Revoked};
use super::pkits::{INDIRECT, NO_CRL_SIGN, ONLY_CRL_SIGN, Stage, Verdict, assert_open, listing};
use super::*;
use crate::path::Source;
use crate::x509::der::{SEQUENCE, encode};

/// A CA whose CRLs are signed with a key that `above` certifies, and an end entity.
struct Separate {
    stage: Stage,
    signer: Ca,
    leaf: Ca,
}

impl Separate {
    /// With the signer below these, each below the one before it, and the first below the anchor.
    fn below(above: &[Leaf]) -> (Self, Vec<Ca>) {
        let stage = Stage::with(&Leaf::ca_for(2, "CA", NO_CRL_SIGN));
        let mut chain: Vec<Ca> = Vec::new();
        for leaf in above {
            let issuer = chain.last().unwrap_or(&stage.root).clone();
            chain.push(issuer.under(leaf));
        }
        let signer = chain.last().unwrap_or(&stage.root).under(&Leaf::ca_for(3, "CA", ONLY_CRL_SIGN));
        let leaf = stage.ca.under(&Leaf::new(5));
        let stage = stage.add(&chain.iter().collect::<Vec<_>>()).add(&[&signer]);
        (Self { stage, signer, leaf }, chain)
    }

    fn crl(&self) -> Vec<u8> {
        self.signer.crl(&CrlSpec::default())
    }

    /// The verdict, which must be the same in any order.
    async fn judge(&self, crls: &[Vec<u8>]) -> Verdict {
        let verdict = self.stage.judge(&self.leaf, crls).await;
        let mut stage = self.stage.clone();
        let mut crls = crls.to_vec();
        for _ in 0..3 {
            stage.certificates.rotate_left(1);
            stage.certificates.reverse();
            crls.rotate_left(1);
            let again = stage.judge(&self.leaf, &crls).await;
            match (&again, &verdict) {
                // The files are named by their place.
                (Verdict::Open(_), Verdict::Open(_)) => {}
                _ => assert_eq!(again, verdict, "in another order"),
            }
        }
        verdict
    }
}

#[tokio::test]
async fn a_revoked_signer_is_found_among_any_number_of_others() {
    let (mut set, _) = Separate::below(&[]);
    let others: Vec<Ca> = (0..40).map(|number| Ca::new(&format!("Other {number}"))).collect();
    set.stage.certificates.splice(0..0, others.iter().map(|other| other.certificate.clone()));
    assert_eq!(set.judge(&[set.crl()]).await, Good);
    set.stage.crls = vec![set.stage.root.crl(&listing(3))];
    assert_open(&set.judge(&[set.crl()]).await, "");
    // Twins with its key, which is what makes it the signer.
    for count in [20, 80] {
        let (set, _) = Separate::below(&[]);
        let twin = |number| set.stage.root.under_with(&Leaf::ca_for(number, "CA", ONLY_CRL_SIGN), &set.signer.key);
        let twins: Vec<Ca> = (10..10 + count).map(twin).collect();
        let numbers: Vec<Entry> = (10..10 + count).map(|number| Entry::new(number, None)).collect();
        let mut stage = set.stage.clone().add(&twins.iter().collect::<Vec<_>>());
        stage.crls = vec![stage.root.crl(&CrlSpec::revoking(&numbers))];
        assert_eq!(stage.judge(&set.leaf, &[set.crl()]).await, Good, "one is not revoked");
        let all = [numbers, vec![Entry::new(3, None)]].concat();
        stage.crls = vec![stage.root.crl(&CrlSpec::revoking(&all))];
        assert_open(&stage.judge(&set.leaf, &[set.crl()]).await, "");
    }
}

#[tokio::test]
async fn a_revoked_ca_above_the_signer_spoils_it_whatever_it_may_sign() {
    for usage in [NO_CRL_SIGN, &[3, 2, 1, 6]] {
        let (mut set, above) = Separate::below(&[Leaf::ca_for(4, "Above", usage)]);
        // Where it may not sign CRLs, another key does.
        let key = set.stage.root.under(&Leaf::ca_for(6, "Above", ONLY_CRL_SIGN));
        let of_signer =
            if usage == NO_CRL_SIGN { key.crl(&CrlSpec::default()) } else { above[0].crl(&CrlSpec::default()) };
        set.stage = set.stage.add(&[&key]);
        assert_eq!(set.judge(&[set.crl(), of_signer.clone()]).await, Good);
        set.stage.crls = vec![set.stage.root.crl(&listing(4))];
        assert_open(&set.judge(&[set.crl(), of_signer]).await, "");
    }
}

#[tokio::test]
async fn a_signer_that_may_be_revoked_does_not_count() {
    let (set, above) = Separate::below(&[Leaf::ca(4, "Above")]);
    let of_signer = |spec: CrlSpec| above[0].crl(&spec);
    let needed = "the current CRL of CN=Above would settle it";
    assert_open(&set.judge(&[set.crl()]).await, needed);
    let stale = CrlSpec { next_update: Some("2026-11-14T00:00:00Z"), ..CrlSpec::default() };
    let early = CrlSpec { this_update: "2026-11-16T00:00:00Z", ..CrlSpec::default() };
    let users = CrlSpec::default().scoped(&[&[0x81, 1, 0xff]]);
    for unfit in [of_signer(stale), of_signer(early), of_signer(users), Ca::new("Above").crl(&CrlSpec::default())] {
        assert_open(&set.judge(&[set.crl(), unfit.clone()]).await, needed);
        assert_eq!(set.judge(&[set.crl(), unfit, of_signer(CrlSpec::default())]).await, Good);
    }
    assert_open(&set.judge(&[set.crl(), of_signer(listing(3))]).await, "");
    // What it lists is revoked all the same: nothing is known against it.
    assert_eq!(set.judge(&[set.signer.crl(&listing(5))]).await, Revoked);
    assert_open(&set.judge(&[set.signer.crl(&listing(5)), of_signer(listing(3))]).await, "");
    // The CA above it is open, though its CRL speaks for the signer.
    let mut set = set;
    set.stage.crls = Vec::new();
    let crls = [set.crl(), of_signer(CrlSpec::default())];
    assert_open(&set.judge(&crls).await, "above which CN=Above's certificate with serial number 04");
}

#[tokio::test]
async fn the_issuer_of_an_indirect_crl_needs_its_own_ca_s_crl() {
    let stage = Stage::new();
    let leaf = stage.ca.under(&Leaf::new(5).points(&[point(&[&crl_issuer("CRLs")])]));
    let signer = stage.ca.under(&Leaf::crl_signer(6, "CRLs"));
    let stage = stage.add(&[&signer]);
    let indirect = signer.crl(&CrlSpec::default().scoped(&[INDIRECT]));
    assert_open(&stage.judge(&leaf, std::slice::from_ref(&indirect)).await, "the current CRL of CN=CA would settle it");
    assert_eq!(stage.judge(&leaf, &[indirect, stage.ca.crl(&CrlSpec::default())]).await, Good);
}

#[tokio::test]
async fn whoever_vouches_for_a_signer_must_not_be_revoked_either() {
    // The CA above the signer has a separate key for CRLs too.
    let (mut set, _) = Separate::below(&[Leaf::ca_for(4, "Above", NO_CRL_SIGN)]);
    let voucher = set.stage.root.under(&Leaf::ca_for(7, "Above", ONLY_CRL_SIGN));
    set.stage = set.stage.add(&[&voucher]);
    let crls = [set.crl(), voucher.crl(&CrlSpec::default())];
    assert_eq!(set.judge(&crls).await, Good);
    set.stage.crls = vec![set.stage.root.crl(&listing(7))];
    assert_open(&set.judge(&crls).await, "");

    // So has the anchor, which then speaks for every certificate that it issued, that of the key itself included.
    let of_root = set.stage.root.under(&Leaf::ca_for(8, "Root", ONLY_CRL_SIGN));
    set.stage = set.stage.add(&[&of_root]);
    set.stage.crls = vec![of_root.crl(&CrlSpec::default())];
    assert_eq!(set.judge(&crls).await, Good);
    for serial in [3, 7, 8] {
        set.stage.crls = vec![of_root.crl(&listing(serial))];
        let expected_good = serial == 3;
        assert_eq!(set.judge(&crls).await == Good, expected_good, "{serial}");
    }
}

#[tokio::test]
async fn nobody_is_vouched_for_from_below() {
    let root = Ca::new("Root");
    let ca = root.under(&Leaf::ca(2, "CA").points(&[point(&[&crl_issuer("CRLs")])]));
    let leaf = ca.under(&Leaf::new(5));
    let indirect = |signer: &Ca| signer.crl(&CrlSpec::default().scoped(&[INDIRECT]));
    for (issuer, counts) in [(&root, true), (&ca, false)] {
        let signer = issuer.under(&Leaf::crl_signer(6, "CRLs"));
        let stage = Stage::of(&root, &ca).add(&[&signer]);
        let judged = stage.judge(&leaf, &[indirect(&signer), ca.crl(&CrlSpec::default())]).await;
        assert_eq!(judged == Good, counts, "{judged:?}");
    }
}

#[tokio::test]
async fn decoys_do_not_hide_the_key_and_too_many_are_told() {
    let identifier = |octets: &[u8]| encode(4, &[octets]);
    let named = |leaf: Leaf| leaf.extension("2.5.29.14", false, &identifier(&[1; 20]));
    let stage = Stage::with(&Leaf::ca_for(2, "CA", NO_CRL_SIGN));
    let leaf = stage.ca.under(&Leaf::new(5));
    let signer = stage.root.under(&Leaf::ca_for(3, "CA", ONLY_CRL_SIGN));
    let stage = stage.add(&[&signer]);
    let by_key = encode(SEQUENCE, &[&encode(0x80, &[&[1; 20]])]);
    let crl = [signer.crl(&CrlSpec::default().with("2.5.29.35", false, &by_key))];
    let other = Ca::new("Other root");
    let decoys: Vec<Ca> = (0..100).map(|_| other.under(&named(Leaf::ca(9, "CA")))).collect();
    let with = |count| stage.clone().add(&decoys.iter().take(count).collect::<Vec<_>>());
    assert_eq!(with(40).judge(&leaf, &crl).await, Good);
    assert_open(&with(100).judge(&leaf, &crl).await, "too many certificates of CN=CA are at hand");
    // What is above the certificate is tried first.
    let stage = Stage::new().add(&decoys.iter().collect::<Vec<_>>());
    let leaf = stage.ca.under(&Leaf::new(5));
    let crl = [stage.ca.crl(&CrlSpec::default().with("2.5.29.35", false, &by_key))];
    assert_eq!(stage.judge(&leaf, &crl).await, Good);
}

#[tokio::test]
async fn cas_that_all_certify_each_other_are_told_apart() {
    let keys: Vec<Arc<fixtures::Key>> = (0..6).map(|_| Arc::new(fixtures::Key::generate())).collect();
    let names: Vec<String> = (0..6).map(|number| format!("Mesh {number}")).collect();
    let root = Ca::new("Root");
    let top = root.under_with(&Leaf::ca(2, &names[0]), &keys[0]);
    let mut mesh: Vec<Ca> = Vec::new();
    for (from, key) in keys.iter().enumerate() {
        let issuer = root.under_with(&Leaf::ca(9, &names[from]), key);
        let others = (0..keys.len()).filter(|to| *to != from);
        mesh.extend(
            others.map(|to| issuer.under_with(&Leaf::ca(20 + u8::try_from(to).unwrap(), &names[to]), &keys[to])),
        );
    }
    let last = root.under_with(&Leaf::ca(9, &names[5]), &keys[5]);
    let leaf = last.under(&Leaf::new(5));
    let stage = Stage::of(&root, &top).add(&mesh.iter().collect::<Vec<_>>());
    let by_all = |spec: &CrlSpec| -> Vec<Vec<u8>> {
        let issuers = keys.iter().zip(&names).map(|(key, name)| root.under_with(&Leaf::ca(9, name), key));
        issuers.map(|issuer| issuer.crl(spec)).collect()
    };
    assert_eq!(stage.judge(&leaf, &by_all(&CrlSpec::default())).await, Good);
    assert_eq!(stage.judge(&leaf, &by_all(&listing(5))).await, Revoked);
}

#[tokio::test]
async fn online_the_signers_own_crls_are_fetched() {
    for (of_signer, status) in
        [(Some(CrlSpec::default()), Status::Good), (Some(listing(3)), Status::Unknown), (None, Status::Unknown)]
    {
        let server = Server::start().await;
        let root = Ca::new("Root");
        let ca = root.under(&Leaf::ca_for(2, "CA", NO_CRL_SIGN));
        let above = root.under(&Leaf::ca(4, "Above").crl(&[&server.url("/root.crl")]));
        let signer = above.under(&Leaf::ca_for(3, "CA", ONLY_CRL_SIGN).crl(&[&server.url("/above.crl")]));
        server.serve("/ca.crl", signer.crl(&CrlSpec::default()));
        server.serve("/root.crl", root.crl(&CrlSpec::default()));
        if let Some(spec) = &of_signer {
            server.serve("/above.crl", above.crl(spec));
        }
        let subject = Subject {
            above: vec![ca.certificate.clone(), root.certificate.clone()],
            anchors: vec![root.certificate.clone()],
            ..ca.subject(&Leaf::new(5).crl(&[&server.url("/ca.crl")]))
        };
        let mut pool = Pool::default();
        [&ca, &above, &signer].into_iter().for_each(|ca| pool.add(ca.certificate.clone(), Source::Option));
        let store = TrustStore::of(vec![root.certificate.clone()], "signers");
        let at_hand = AtHand { pool: &pool, store: &store, judge: &StandardJudge };
        let subjects = Subjects { certificates: &[subject], staple: None, at_hand };
        let options = RevocationOptions::default();
        let facts = examine(&retriever(), &options, subjects, at(), deadline(), &crate::Silent).await;
        assert_eq!(facts.statuses[0].status, status, "{:?}", facts.statuses[0]);
        assert_eq!(facts.endpoints.len(), 1, "they are no endpoints of the certificate's");
        let asked: Vec<String> = server.asked();
        assert_eq!(asked, ["GET /above.crl", "GET /ca.crl", "GET /root.crl"]);
    }
}

#[tokio::test]
async fn online_nothing_more_is_fetched_where_the_signer_is_above() {
    let server = Server::start().await;
    let root = Ca::new("Root");
    let ca = root.under(&Leaf::ca(2, "CA").crl(&[&server.url("/root.crl")]));
    server.serve("/ca.crl", ca.crl(&CrlSpec::default()));
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).crl(&[&server.url("/ca.crl")]))]).await;
    assert_eq!(facts.statuses[0].status, Status::Good);
    assert_eq!(server.asked(), ["GET /ca.crl"]);
}
