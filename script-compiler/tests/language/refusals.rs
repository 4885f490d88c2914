//! Tests each safety check with a policy that it refuses. The same policy compiles if it contains `allow` and the name
//! of the check.

use super::*;

#[test]
fn every_check_refuses_and_can_be_allowed() {
    let cases: &[(Reason, &str, &str)] = &[
        (Reason::Unprotected, "and(signed(newer(n),A),older(n))", "and(signed(newer(n),A),pk(B))"),
        (Reason::Unprotected, "thresh(2,pk(A),older(n),sha256(H))", "thresh(2,pk(A),pk(B),sha256(H))"),
        (Reason::Unprotected, "TRIVIAL", "pk(A)"),
        (Reason::KeyRoles, "and(signed(newer(n),A),pk(A))", "and(signed(newer(n),A),pk(B))"),
        (
            Reason::KeyRoles,
            "or(and(signed(newer(5),A),pk(B)),and(signed(newer(6),A),pk(C)))",
            "or(and(signed(newer(5),A),pk(B)),and(signed(newer(5),A),pk(C)))",
        ),
        (
            Reason::KeyRoles,
            "and(signed(newer(5),A),signed(any(m),A),pk(B))",
            "and(signed(newer(5),A),signed(any(m),C),pk(B))",
        ),
        (Reason::KeyRoles, "tr(A,signed(ctv,internal))", "tr(A,signed(ctv,B))"),
        (
            Reason::MixedLocks,
            "or(pk(A),and(pk(B),thresh(2,after(100),after(500000000),pk(C))))",
            "or(pk(A),and(pk(B),thresh(2,after(100),after(200),pk(C))))",
        ),
        (
            Reason::MixedLocks,
            "or(pk(A),and(pk(B),older(5),older(4194305)))",
            "or(and(pk(A),after(100),older(4194305)),and(pk(B),after(500000000),older(5)))",
        ),
        (
            Reason::MixedLocks,
            "and(pk(A),older(4194305),or(older(5),pk(B)))",
            "or(and(pk(A),after(100),older(5)),and(pk(B),after(500000000),older(4194305)))",
        ),
        (
            Reason::KeyRoles,
            "and(signed(newer(5),A),presigned(B,SIGNATURE),apo(A))",
            "and(signed(newer(5),A),presigned(A,SIGNATURE),apo(B))",
        ),
        (
            Reason::TwoTemplates,
            "or(pk(A),and(templatehash(H),templatehash(2222222222222222222222222222222222222222222222222222222222222222)))",
            "or(pk(A),and(templatehash(H),ctv(H)))",
        ),
        (
            Reason::TwoTemplates,
            "or(pk(A),and(presigned(B,SIGNATURE),presigned(B,OTHER)))",
            "or(pk(A),and(presigned(B,SIGNATURE),presigned(C,OTHER)))",
        ),
        (Reason::Repeated, "and(pk(A),pk(A))", "and(pk(A),pk(B))"),
        (Reason::Repeated, "thresh(2,pk(A),pk(A),pk(B))", "thresh(2,pk(A),pk(C),pk(B))"),
        (Reason::Repeated, "and(pk(A),or(pk(B),and(pk(C),pk(A))))", "and(pk(A),or(pk(B),and(pk(C),pk(D))))"),
        // A key may occur in several alternatives, but not in several parts that are needed together.
        (Reason::Repeated, "and(or(pk(A),pk(B)),or(pk(A),pk(C)))", "or(and(pk(A),pk(B)),and(pk(A),pk(C)))"),
        (Reason::Repeated, "thresh(2,pk(A),apo(A),pk(B))", "thresh(1,pk(A),apo(A),pk(B))"),
        (Reason::Repeated, "tr(A,and(pk(internal),pk(A)))", "tr(A,and(pk(internal),pk(B)))"),
        (Reason::Repeated, "policy p = pk(A);\nand(p,p)", "policy p = pk(A);\nand(p,pk(B))"),
        (Reason::Repeated, "tr(nums,{pk(B),and(pk(A),pk(A))})", "tr(nums,{pk(B),and(pk(A),pk(C))})"),
        // A preimage, lock or template may occur in several parts. It counts as repeated only if it satisfies two parts
        // on its own.
        (Reason::Repeated, "and(pk(A),sha256(H),sha256(H))", "and(pk(A),sha256(H),hash256(H))"),
        (
            Reason::Repeated,
            "thresh(3,pk(A),sha256(H),sha256(H),pk(B))",
            "thresh(2,pk(C),and(pk(A),sha256(H)),and(pk(B),sha256(H)))",
        ),
        (Reason::Repeated, "and(pk(A),older(5),older(5))", "and(pk(A),older(5),older(6))"),
        (
            Reason::Repeated,
            "thresh(2,pk(A),pk(B),and(pk(C),older(5),older(n)))",
            "thresh(3,pk(A),pk(B),older(5),older(6))",
        ),
        (Reason::Repeated, "and(pk(A),signed(H,B),signed(H,B))", "and(pk(A),signed(H,B),signed(0x00,B))"),
        (Reason::Repeated, "and(ctv(H),ctv(H))", "and(ctv(H),pk(A))"),
        (Reason::NumberRange, "and(signed(newer(0),A),pk(B))", "and(signed(newer(1),A),pk(B))"),
        (Reason::LockBits, "and(pk(A),older(65536))", "and(pk(A),older(65535))"),
        (Reason::LockBits, "and(pk(A),older(8388609))", "and(pk(A),older(4194305))"),
        (
            Reason::CatLengths,
            "and(signed(cat(any(x),any(y)),A),pk(B))",
            "and(signed(cat(any(x),any32(y)),A),pk(B))",
        ),
        (
            Reason::Bip118Reuse,
            "tr(A,{and(apo(B),pk(C)),and(apo(B),pk(D))})",
            "tr(A,{and(apo(B),pk(C)),and(apo(C),pk(D))})",
        ),
        (
            Reason::Malleable,
            "or(pk(A),and(ctv(H),older(5)),and(ctv(H),pk(B)))",
            "or(pk(A),and(ctv(H),older(5),pk(C)),and(ctv(H),pk(B)))",
        ),
        (
            Reason::Malleable,
            "or(templatehash(H),and(ctv(H),pk(B)))",
            "or(and(templatehash(H),pk(A)),and(ctv(H),pk(B)))",
        ),
        (
            Reason::Malleable,
            "or(presigned(B,SIGNATURE),and(presigned(C,SIGNATURE),pk(A)))",
            "or(presigned(B,SIGNATURE),and(presigned(B,OTHER),pk(A)))",
        ),
        (Reason::Malleable, "tr(nums,{pk(A),{pk(A),pk(B)}})", "tr(nums,{pk(A),{pk(C),pk(B)}})"),
        (
            Reason::Bip118Reuse,
            "tr(A,{presigned(B,SIGNATURE),and(apoas(B),older(5))})",
            "tr(A,{presigned(B,SIGNATURE),and(apoas(C),older(5))})",
        ),
    ];
    for (expected, refused, accepted) in cases {
        assert_eq!(reason(refused), Some(*expected), "{refused}");
        assert_eq!(reason(accepted), None, "{accepted}");
        let allowed = format!("allow {};\n{refused}", expected.name());
        assert_eq!(reason(&allowed), None, "{allowed}");
    }
    let tested: BTreeSet<Reason> = cases.iter().map(|(reason, ..)| *reason).collect();
    assert_eq!(tested, Reason::ALL.iter().copied().collect());
}
