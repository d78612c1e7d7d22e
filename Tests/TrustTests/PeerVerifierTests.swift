import Cluster
import Crypto
import Foundation
import SwiftASN1
import Testing
import Trust
import X509

struct PeerVerifierTests {
    private let now = TestCluster.now

    private func refusal(_ body: () async throws -> PeerIdentity) async -> CertificateRefusal? {
        do {
            _ = try await body()
            return nil
        } catch { return error as? CertificateRefusal }
    }

    @Test("A leaf says node and role", arguments: PeerIdentity.Role.allCases)
    func identity(_ role: PeerIdentity.Role) async throws {
        let cluster = try TestCluster()
        let leaf = try cluster.chain(role)
        #expect(try await cluster.verifier.identity(of: leaf, now: now) == cluster.identity(role))
        let withAuthority = leaf + [try der(cluster.authority.certificatePEM)]
        #expect(try await cluster.verifier.identity(of: withAuthority, now: now) == cluster.identity(role))
    }

    // MARK: Time

    /// Days after the leaf was signed; its grace; what comes of it.
    private static let times: [(Double, Int, Bool)] = [
        (-1, 0, false), (-1, 90, false), (-0.005, 0, true), (0, 0, true), (29.9, 0, true), (30, 0, true),
        (30.001, 0, false), (31, 0, false), (31, 90, true), (119.9, 90, true), (121, 90, false), (121, 0, false),
        (4000, 5000, false),
    ]

    @Test("A leaf is good for thirty days, and for ninety more to be renewed", arguments: times)
    func expiry(_ days: Double, _ grace: Int, _ isGood: Bool) async throws {
        let cluster = try TestCluster()
        let chain = try cluster.chain()
        let moment = now + days * day
        let refused = await refusal { try await cluster.verifier.identity(of: chain, now: moment, graceDays: grace) }
        #expect((refused == nil) == isGood)
        if days > 30, days < 3000, !isGood { #expect(refused == .expired(now + 30 * day)) }
        if days < 0, !isGood { #expect(refused == .notYetValid(now - 600)) }
        if days > 3653 { #expect(refused == .authorityExpired(now + 3653 * day)) }
    }

    @Test("In its grace a leaf is looked at as strictly as ever")
    func strictGrace() async throws {
        let cluster = try TestCluster()
        let foreign = try der(cluster.handMade([.dnsName("example.com"), cluster.uri]))
        let moment = now + 40 * day
        let refused = await refusal { try await cluster.verifier.identity(of: [foreign], now: moment, graceDays: 90) }
        #expect(refused == .foreignName("example.com"))
    }

    @Test("A leaf's end is told, and it is renewed after twenty days or when names or addresses change")
    func renewal() throws {
        let cluster = try TestCluster()
        let pem = try cluster.signed().certificatePEM
        #expect(try PeerVerifier.leafExpiry(pem) == now + 30 * day)
        #expect(try PeerVerifier.leafExpiry(pem + cluster.authority.certificatePEM) == now + 30 * day)
        func isDue(_ names: [String], _ addresses: [String], _ days: Double) throws -> Bool {
            try cluster.verifier.needsRenewal(pem, dnsNames: names, addresses: addresses, now: now + days * day)
        }
        #expect(try !isDue(["box.local"], ["10.0.0.7"], 0))
        #expect(try !isDue(["box.local"], ["10.0.0.7"], 19.9))
        #expect(try isDue(["box.local"], ["10.0.0.7"], 20))
        #expect(try isDue(["box.local"], ["10.0.0.8"], 1))
        #expect(try isDue(["box-2.local"], ["10.0.0.7"], 1))
        #expect(try isDue([], ["10.0.0.7"], 1))
        // What cannot be had does not count, else a node would ask for ever.
        #expect(try !isDue(["BOX.local.", "box.example.com"], ["8.8.8.8", "10.0.0.7"], 1))
        for text in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            #expect(throws: CertificateRefusal.malformed) { try PeerVerifier.leafExpiry(text) }
        }
    }

    // MARK: Who signed it

    @Test("Another cluster's leaf is refused, though that cluster has the same name and id")
    func foreign() async throws {
        let (cluster, other) = (try TestCluster(), try TestCluster())
        let chain = try other.chain() + [der(other.authority.certificatePEM)]
        #expect(await refusal { try await cluster.verifier.identity(of: chain, now: now) } == .foreignAuthority)
    }

    @Test("A leaf does not make others leaves")
    func leafAsIssuer() async throws {
        let cluster = try TestCluster()
        let key = P256.Signing.PrivateKey()
        let middle = try cluster.handMade([cluster.uri], usage: KeyUsage(keyCertSign: true))
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(1), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now - 60, notValidAfter: now + day, issuer: middle.subject,
            subject: DistinguishedName { CommonName("x") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions { SubjectAlternativeNames([cluster.uri]) },
            issuerPrivateKey: Certificate.PrivateKey(key))
        let chain = [try der(leaf), try der(middle)]
        #expect(await refusal { try await cluster.verifier.identity(of: chain, now: now) } == .foreignAuthority)
    }

    @Test("The authority's own certificate, an empty chain, an endless one and rubbish say nobody")
    func rubbish() async throws {
        let cluster = try TestCluster()
        let own = try der(cluster.authority.certificatePEM)
        let good = try cluster.chain()
        for (chain, expected) in [
            ([own], CertificateRefusal.unfit), ([], .none), ([[]], .malformed), ([[1, 2, 3]], .malformed),
            (Array(repeating: good[0], count: 5), .malformed), ([good[0] + [0]], .malformed),
            ([Array(repeating: 0x30, count: 20000)], .malformed),
        ] as [([[UInt8]], CertificateRefusal)] {
            #expect(await refusal { try await cluster.verifier.identity(of: chain, now: now) } == expected)
        }
    }

    @Test("No byte of a leaf can be changed")
    func mutations() async throws {
        let cluster = try TestCluster()
        let leaf = try cluster.chain()[0]
        for index in leaf.indices {
            var changed = leaf
            changed[index] ^= 1 << UInt8(index % 8)
            let refused = await refusal { try await cluster.verifier.identity(of: [changed], now: now) }
            #expect(refused != nil, "byte \(index)")
        }
    }

    // MARK: What it says

    @Test("A leaf with a foreign name is refused, although the authority's key signed it")
    func foreignNames() async throws {
        let cluster = try TestCluster()
        for name: GeneralName in [
            .dnsName("example.com"), .dnsName("*.local"), .dnsName("local.example.com"), address(8, 8, 8, 8),
            .dnsName(""), .rfc822Name("a@example.com"),
        ] {
            let chain = [try der(cluster.handMade([.dnsName("box.local"), name, cluster.uri]))]
            let refused = await refusal { try await cluster.verifier.identity(of: chain, now: now) }
            switch refused {
            case .foreignName, .unfit: break
            default: Issue.record("\(name): \(String(describing: refused))")
            }
        }
        let good = [try der(cluster.handMade([.dnsName("box.local"), cluster.uri]))]
        #expect(try await cluster.verifier.identity(of: good, now: now) == cluster.identity())
    }

    @Test("A leaf says exactly once who it is, and in this cluster")
    func uris() async throws {
        let cluster = try TestCluster()
        let other = GeneralName.uniformResourceIdentifier("https://box.local/")
        let elsewhere = PeerIdentity(cluster: ClusterID("zzzzzzzz12345678"), node: TestCluster.node, role: .node)
        for (names, expected) in [
            ([.dnsName("box.local")], .noIdentity), ([cluster.uri, cluster.uri], .noIdentity),
            ([cluster.uri, other], .noIdentity), ([other], .noIdentity),
            ([.uniformResourceIdentifier(cluster.identity().uri + "/x")], .noIdentity),
            ([.uniformResourceIdentifier("spiffe://abcdefgh12345678/owner/aaaabbbbccccdddd")], .noIdentity),
            ([.uniformResourceIdentifier(elsewhere.uri)], .otherCluster(elsewhere.cluster)),
        ] as [([GeneralName], CertificateRefusal)] {
            let chain = [try der(cluster.handMade(names))]
            #expect(await refusal { try await cluster.verifier.identity(of: chain, now: now) } == expected)
        }
    }

    @Test("A certificate for something else is no node's")
    func purposes() async throws {
        let cluster = try TestCluster()
        for certificate in [
            try cluster.handMade([cluster.uri], usage: KeyUsage(digitalSignature: true, keyCertSign: true)),
            try cluster.handMade([cluster.uri], usage: KeyUsage(keyEncipherment: true)),
            try cluster.handMade([cluster.uri], purposes: [.clientAuth]),
            try cluster.handMade([cluster.uri], purposes: [.codeSigning]),
        ] {
            let chain = [try der(certificate)]
            #expect(await refusal { try await cluster.verifier.identity(of: chain, now: now) } == .unfit)
        }
    }

    // MARK: Joining

    @Test("A joiner takes the authority from the chain, by the token's pin")
    func joining() async throws {
        let cluster = try TestCluster()
        let chain = try cluster.chain(.issuer) + [der(cluster.authority.certificatePEM)]
        let met = try await PeerVerifier.joining(chain: chain, pin: cluster.authority.pin, now: now)
        #expect(met.identity == cluster.identity(.issuer))
        let verifier = try PeerVerifier(authorityPEM: met.authorityPEM)
        #expect(verifier.pin == cluster.authority.pin)
        #expect(try await verifier.identity(of: chain, now: now) == met.identity)
    }

    @Test("A joiner believes nobody whose authority is not the token's")
    func wrongPin() async throws {
        let (cluster, other) = (try TestCluster(), try TestCluster())
        let pin = cluster.authority.pin
        let own = try der(cluster.authority.certificatePEM)
        for (chain, expected) in [
            (try other.chain() + [der(other.authority.certificatePEM)], .wrongPin),
            // The right authority, shown by one who has no leaf of it.
            (try other.chain() + [own], .foreignAuthority),
            (try cluster.chain(), .wrongPin), ([own], .wrongPin), ([], .none),
        ] as [([[UInt8]], CertificateRefusal)] {
            #expect(
                await refusal { try await PeerVerifier.joining(chain: chain, pin: pin, now: now).identity } == expected)
        }
    }

    @Test("A joiner believes no leaf that has run out")
    func expiredIntroduction() async throws {
        let cluster = try TestCluster()
        let chain = try cluster.chain() + [der(cluster.authority.certificatePEM)]
        let pin = cluster.authority.pin
        let refused = await refusal {
            try await PeerVerifier.joining(chain: chain, pin: pin, now: now + 31 * day).identity
        }
        #expect(refused == .expired(now + 30 * day))
    }

    @Test("The authority's key under a certificate that somebody else made up is not believed")
    func madeUpAuthority() async throws {
        let cluster = try TestCluster()
        let real = try Certificate(pemEncoded: cluster.authority.certificatePEM)
        // Its public key is known to all; here it gets a certificate without constraints, signed by another key.
        let madeUp = try Certificate(
            version: .v3, serialNumber: real.serialNumber, publicKey: real.publicKey,
            notValidBefore: real.notValidBefore, notValidAfter: real.notValidAfter, issuer: real.issuer,
            subject: real.subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: real.extensions,
            issuerPrivateKey: Certificate.PrivateKey(P256.Signing.PrivateKey()))
        let chain = try cluster.chain() + [der(madeUp)]
        let pin = cluster.authority.pin
        #expect(
            await refusal { try await PeerVerifier.joining(chain: chain, pin: pin, now: now).identity } == .wrongPin)
    }
}
