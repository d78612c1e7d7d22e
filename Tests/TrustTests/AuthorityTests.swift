import Cluster
import Crypto
import Foundation
import SwiftASN1
import Testing
import Trust
import X509

struct AuthorityTests {
    @Test("An authority is for ten years, for leaves only and for its own network's names only")
    func authority() throws {
        let cluster = try TestCluster(domain: "Team.Example.")
        let certificate = try Certificate(pemEncoded: cluster.authority.certificatePEM)
        #expect(certificate.notValidBefore == TestCluster.now - 600)
        #expect(certificate.notValidAfter == TestCluster.now + 3653 * day)
        let extensions = certificate.extensions
        #expect(try extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        let constraints = try #require(try extensions.nameConstraints)
        #expect(Array(constraints.permittedDNSDomains) == ["local", "localhost", "team.example"])
        #expect(constraints.permittedIPRanges.count == 9)
        for critical: ASN1ObjectIdentifier in [
            .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.nameConstraints,
        ] { #expect(extensions[oid: critical]?.critical == true) }
    }

    @Test("An authority is read again as it was written, and its description keeps its key")
    func readAgain() throws {
        let cluster = try TestCluster()
        let read = try ClusterAuthority(
            certificatePEM: cluster.authority.certificatePEM, keyPEM: cluster.authority.keyPEM)
        #expect(read.pin == cluster.authority.pin)
        #expect(read.cluster == cluster.id)
        #expect("\(read)" == "ClusterAuthority(\(cluster.id))")
    }

    @Test("Another authority's key, and certificates of other kinds, are refused")
    func mismatches() throws {
        let (cluster, other) = (try TestCluster(), try TestCluster())
        #expect(throws: IssueFailure.keyMismatch) {
            try ClusterAuthority(certificatePEM: cluster.authority.certificatePEM, keyPEM: other.authority.keyPEM)
        }
        let leaf = try cluster.signed().certificatePEM
        for pem in [leaf, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            #expect(throws: IssueFailure.self) {
                try ClusterAuthority(certificatePEM: pem, keyPEM: cluster.authority.keyPEM)
            }
            #expect(throws: IssueFailure.self) { try PeerVerifier(authorityPEM: pem) }
        }
        #expect(throws: IssueFailure.self) {
            try ClusterAuthority(certificatePEM: cluster.authority.certificatePEM, keyPEM: "nothing")
        }
    }

    @Test("What is no domain is refused", arguments: ["", ".", "*.team.example", ".team", "a..b", "10.0.0.1", "é.de"])
    func domains(_ domain: String) {
        #expect(throws: IssueFailure.badDomain(domain)) { try TestCluster(domain: domain) }
    }

    @Test("A leaf says who a node is, for thirty days, and has all that strict clients ask for")
    func leaf() throws {
        let cluster = try TestCluster()
        let signed = try cluster.signed(.issuer, name: "box", dnsNames: ["Box.local.", "box.local", "localhost"])
        let leaf = try Certificate(pemEncoded: signed.certificatePEM)
        #expect(signed.leftOut == [])
        #expect(leaf.notValidBefore == TestCluster.now - 600)
        #expect(leaf.notValidAfter == TestCluster.now + 30 * day)
        #expect(leaf.subject == (try DistinguishedName { CommonName("box") }))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        let uri = "spiffe://abcdefgh12345678/issuer/aaaabbbbccccdddd"
        #expect(
            try leaf.extensions.subjectAlternativeNames.map(Array.init) == [
                .dnsName("box.local"), .dnsName("localhost"), address(10, 0, 0, 7), .uniformResourceIdentifier(uri),
            ])
        let issuer = try Certificate(pemEncoded: cluster.authority.certificatePEM)
        #expect(
            try leaf.extensions.authorityKeyIdentifier?.keyIdentifier
                == issuer.extensions.subjectKeyIdentifier?.keyIdentifier)
    }

    @Test("No two leaves have the same serial number, and each is positive in at most 16 bytes")
    func serials() throws {
        let cluster = try TestCluster()
        var seen: Set<[UInt8]> = []
        for _ in 0..<64 {
            let serial = try Certificate(pemEncoded: cluster.signed().certificatePEM).serialNumber.bytes
            #expect(serial.count <= 16)
            #expect(seen.insert(Array(serial)).inserted)
        }
    }

    @Test("An authority that ends sooner ends its leaves, and one that has ended signs nothing")
    func lastLeaves() throws {
        let cluster = try TestCluster()
        let end = TestCluster.now + 3653 * day
        let leaf = try Certificate(pemEncoded: cluster.signed(now: end - 5 * day).certificatePEM)
        #expect(leaf.notValidAfter == end)
        #expect(throws: IssueFailure.notInForce) { try cluster.signed(now: end + 1) }
        #expect(throws: IssueFailure.notInForce) { try cluster.signed(now: TestCluster.now - day) }
    }

    // MARK: Names

    @Test(
        "A foreign name cannot be had, and the others are",
        arguments: [
            "example.com", "team.example", "local.example.com", "notlocal", "xlocalhost", "*.local", "*.box.local",
            "", ".", "a..local", "-a.local", "box.local\u{0}.example.com", "böx.local", "1.2.3.4", "box.local ",
        ])
    func foreignNames(_ name: String) throws {
        let cluster = try TestCluster()
        let signed = try cluster.signed(dnsNames: [name, "box.local"])
        #expect(signed.leftOut == [name])
        let names = try Certificate(pemEncoded: signed.certificatePEM).extensions.subjectAlternativeNames
        #expect(names.map(Array.init) == [.dnsName("box.local"), address(10, 0, 0, 7), cluster.uri])
    }

    @Test("With a domain its names can be had, and those of its parent cannot")
    func domainNames() throws {
        let cluster = try TestCluster(domain: "team.example")
        let wanted = ["box.team.example", "team.example", "example", "notteam.example", "box.example"]
        #expect(try cluster.signed(dnsNames: wanted).leftOut == ["example", "notteam.example", "box.example"])
    }

    @Test(
        "Addresses of the own network can be had, up to the edges of the ranges",
        arguments: [
            "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.7.1", "100.64.0.1",
            "100.127.255.255", "169.254.9.9", "127.0.0.1", "fc00::1", "fdff::1", "fe80::1", "fe80::1%eth0",
            "febf::1", "::1",
        ])
    func ownAddresses(_ address: String) throws {
        #expect(try TestCluster().signed(addresses: [address]).leftOut == [])
    }

    @Test(
        "Other addresses cannot",
        arguments: [
            "9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.0", "192.169.0.1", "100.63.255.255", "100.128.0.0",
            "8.8.8.8", "0.0.0.0", "2001:db8::1", "::2", "::", "fe00::1", "fec0::1", "fbff::1", "::ffff:10.0.0.1",
            "10.0.0", "box", "", "10.0.0.256", "%eth0",
        ])
    func foreignAddresses(_ address: String) throws {
        #expect(try TestCluster().signed(addresses: [address]).leftOut == [address])
    }

    // MARK: Requests

    @Test("A request signed by another key than the one it shows is refused")
    func proof() throws {
        let cluster = try TestCluster()
        let key = Certificate.PublicKey(P256.Signing.PrivateKey().publicKey)
        let other = try CertificateSigningRequest(pemEncoded: LeafKey().certificateRequest(name: "box"))
        let forged = try CertificateSigningRequest(
            version: .v1, subject: other.subject, publicKey: key, attributes: other.attributes,
            signatureAlgorithm: .ecdsaWithSHA256, signature: other.signature)
        let request = try LeafRequest(
            certificateRequest: forged.serializeAsPEM().pemString, name: "box", dnsNames: [], addresses: [])
        #expect(throws: IssueFailure.noProof) {
            try cluster.authority.sign(request, identity: cluster.identity(), now: TestCluster.now)
        }
    }

    @Test("Keys of another kind, the authority's own key and another cluster's identity are refused")
    func unsuited() throws {
        let cluster = try TestCluster()
        func sign(_ key: Certificate.PrivateKey, _ identity: PeerIdentity) throws -> ClusterAuthority.SignedLeaf {
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName { CommonName("box") }, privateKey: key,
                attributes: CertificateSigningRequest.Attributes())
            let asked = try LeafRequest(
                certificateRequest: request.serializeAsPEM().pemString, name: "box", dnsNames: [], addresses: [])
            return try cluster.authority.sign(asked, identity: identity, now: TestCluster.now)
        }
        let good = Certificate.PrivateKey(P256.Signing.PrivateKey())
        #expect(throws: Never.self) { try sign(good, cluster.identity()) }
        #expect(throws: IssueFailure.badRequest("its key is not P-256")) {
            try sign(Certificate.PrivateKey(P384.Signing.PrivateKey()), cluster.identity())
        }
        let own = try P256.Signing.PrivateKey(pemRepresentation: cluster.authority.keyPEM)
        #expect(throws: IssueFailure.badRequest("its key is the authority's own")) {
            try sign(Certificate.PrivateKey(own), cluster.identity())
        }
        let elsewhere = ClusterID("zzzzzzzz12345678")
        #expect(throws: IssueFailure.otherCluster(elsewhere)) {
            try sign(good, PeerIdentity(cluster: elsewhere, node: TestCluster.node, role: .node))
        }
    }

    @Test("Names in the request itself are never taken over")
    func requestedNames() throws {
        let cluster = try TestCluster()
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let names = SubjectAlternativeNames([
            .uniformResourceIdentifier(cluster.identity(.issuer).uri), .dnsName("example.com"),
        ])
        let extensions = try Certificate.Extensions { names }
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("evil") }, privateKey: key,
            attributes: CertificateSigningRequest.Attributes([.init(ExtensionRequest(extensions: extensions))]))
        let asked = try LeafRequest(
            certificateRequest: request.serializeAsPEM().pemString, name: "box", dnsNames: [], addresses: [])
        let signed = try cluster.authority.sign(asked, identity: cluster.identity(), now: TestCluster.now)
        let leaf = try Certificate(pemEncoded: signed.certificatePEM)
        #expect(try leaf.extensions.subjectAlternativeNames.map(Array.init) == [cluster.uri])
        #expect(leaf.subject == (try DistinguishedName { CommonName("box") }))
    }

    @Test("A request keeps within its limits, as a value and as JSON")
    func limits() throws {
        let pem = try LeafKey().certificateRequest(name: "box")
        func make(_ pem: String, _ name: String, _ names: [String], _ addresses: [String]) throws -> LeafRequest {
            try LeafRequest(certificateRequest: pem, name: name, dnsNames: names, addresses: addresses)
        }
        let good = try make(pem, "box", Array(repeating: "a", count: 32), Array(repeating: "::1", count: 64))
        #expect(try JSONDecoder().decode(LeafRequest.self, from: JSONEncoder().encode(good)) == good)
        let long = String(repeating: "a", count: 255)
        for (pem, name, names, addresses) in [
            (String(repeating: "a", count: 8193), "box", [], []), (pem, "", [], []), (pem, "a b", [], []),
            (pem, "box", Array(repeating: "a", count: 33), []), (pem, "box", [], Array(repeating: "::1", count: 65)),
            (pem, "box", [long], []), (pem, "box", [], [long]),
        ] as [(String, String, [String], [String])] {
            #expect(throws: IssueFailure.self) { try make(pem, name, names, addresses) }
            let json = try JSONSerialization.data(
                withJSONObject: ["csr": pem, "name": name, "dns": names, "addresses": addresses])
            #expect(throws: (any Error).self) { try JSONDecoder().decode(LeafRequest.self, from: json) }
        }
    }
}
