//! OCSP responders that may not answer, or answer something else than they were asked.

use super::*;

#[tokio::test]
async fn a_revoked_delegate_has_no_authority() {
    for (entries, authorized) in [(vec![Entry::new(9, None)], false), (vec![Entry::new(5, None)], true)] {
        let server = Server::start().await;
        let ca = Ca::new("CA");
        let url = server.url("/delegates.crl");
        server.serve("/delegates.crl", ca.crl(&CrlSpec::revoking(&entries)));
        let delegate = ca.under(&Leaf::new(9).ocsp_signing().crl(&[&url]));
        let embedded = vec![delegate.certificate.clone()];
        let response = delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::good(&ca, 5) });
        server.serve("/ocsp", response.clone());
        let subjects = [ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))];
        let options = RevocationOptions::default();
        let facts = examined_with(&retriever(), &options, &subjects, Some(response.clone())).await;
        let staple = facts.staple.as_ref().unwrap();
        assert_eq!((facts.endpoints[0].usable, staple.usable), (authorized, authorized));
        if !authorized {
            for defects in [&facts.endpoints[0].defects, &staple.defects] {
                let [ContentDefect::UnauthorizedResponder { reason }] = defects.as_slice() else {
                    panic!("{defects:?}")
                };
                assert!(reason.contains("was revoked at 2026-11-02T00:00:00Z"));
            }
        }
        assert_eq!(server.asked(), ["GET /delegates.crl", "GET /ocsp", "POST /ocsp"]);
    }
}

#[tokio::test]
async fn a_delegate_that_names_a_crl_is_believed_only_with_it() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    let gone = server.url("/gone.crl");
    let crls = [("delegates.crl".to_owned(), Bytes::from(ca.crl(&CrlSpec::default())))];
    let plain = || Leaf::new(9).ocsp_signing();
    for (delegate, says, crl_files, answered) in [
        (plain().crl(&[&gone]), Says::Good, &[][..], false),
        (plain().crl(&[&gone]), Says::Revoked, &[], true),
        (plain().crl(&[&gone]), Says::Good, &crls, true),
        (plain(), Says::Good, &[], true),
        (Leaf::delegate(9).crl(&[&gone]), Says::Good, &[], true),
    ] {
        let delegate = ca.under(&delegate);
        let embedded = vec![delegate.certificate.clone()];
        let response = delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::saying(&ca, 5, says) });
        server.serve("/ocsp", response);
        let subjects = [ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))];
        let options = RevocationOptions { crl_files: crl_files.to_vec(), ..RevocationOptions::default() };
        let facts = examined_with(&retriever(), &options, &subjects, None).await;
        assert_eq!(facts.endpoints[0].usable, answered, "{:?}", facts.endpoints[0].defects);
        if !answered {
            let [ContentDefect::UnauthorizedResponder { reason }] = facts.endpoints[0].defects.as_slice() else {
                panic!("{:?}", facts.endpoints[0].defects)
            };
            assert!(reason.contains("no usable CRL tells that it is not revoked"));
            assert_eq!(facts.statuses[0].status, Status::Unknown);
        }
    }
}

#[tokio::test]
async fn a_replay_that_says_revoked_outweighs_a_good_answer() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let responder = ca.clone();
    server.on("/ocsp", move |method, _| {
        let says = if method == Method::POST { Says::Revoked } else { Says::Good };
        (200, responder.ocsp(&OcspSpec { nonce: Some(&[7; 32]), ..OcspSpec::saying(&responder, 5, says) }))
    });
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
    assert_eq!((facts.statuses[0].status, facts.endpoints[0].usable), (Status::Revoked, true));
    assert!(matches!(facts.endpoints[0].defects.as_slice(), [ContentDefect::ByOneMethod { .. }]));
}

#[tokio::test]
async fn a_replayed_nonce_does_not_count() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let replayed = ca.ocsp(&OcspSpec { nonce: Some(&[1; 32]), ..OcspSpec::good(&ca, 5) });
    server.on("/ocsp", move |method, _| if method == Method::POST { (200, replayed.clone()) } else { (500, vec![]) });
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
    assert_eq!(facts.endpoints[0].defects, [ContentDefect::NonceMismatch]);
    assert!(!facts.endpoints[0].usable);
    assert_eq!((facts.statuses[0].status, &facts.statuses[0].undetermined), (Status::Unknown, &None));
}
