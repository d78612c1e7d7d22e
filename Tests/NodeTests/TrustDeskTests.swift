import Cluster
import Foundation
import Node
import Synchronization
import Testing
import Trust
import Wire

/// Hosts of a cluster with keys from the first to the last day, by clocks that are handed in.
final class TrustDeskTests {
    private static let cluster = ClusterIdentity(id: ClusterID("cluster0"), name: "studio", security: .keys)
    private static let names = HostNames(hostName: "desk", addresses: ["10.0.0.5"])

    private let root = FileManager.default.temporaryDirectory.appendingPathComponent("trust-\(UUID().uuidString)").path
    private let clock = Clock()

    private final class Clock: Sendable {
        private let offset = Mutex(0.0)

        var now: Date { Date(timeIntervalSince1970: 1_800_000_000 + offset.withLock { $0 }) }

        func pass(days: Double) { offset.withLock { $0 += days * 86400 } }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func desk(_ host: String, _ id: String) throws -> TrustDesk {
        let clock = clock
        return TrustDesk(
            Self.cluster, NodeID(id), try ClusterSecrets(configuration: "\(root)/\(host)", cluster: Self.cluster.id)
        ) { clock.now }
    }

    private func founded() async throws -> TrustDesk {
        let desk = try desk("desk", "nodedesk")
        let leftOut = try await desk.found(name: "desk", Self.names, domain: nil, now: clock.now)
        #expect(leftOut.isEmpty)
        return desk
    }

    private func request(_ id: String, _ key: LeafKey, name: String = "box") throws -> JoinRequest {
        JoinRequest(
            name: name, node: NodeID(id), request: try key.certificateRequest(name: name), dnsNames: ["box.local"],
            addresses: ["10.0.0.6", "8.8.8.8"])
    }

    /// A node that has joined.
    private func joined(_ desk: TrustDesk, _ kind: AccessEntry.Kind = .node, _ id: String = "nodebox0") async throws
        -> TrustDesk
    {
        let token = try await desk.invite(kind, name: nil)
        let key = LeafKey()
        let reply = try await desk.join(request(id, key), secret: token.secret)
        #expect(reply.leftOut == ["8.8.8.8"])
        let box = try self.desk(id, id)
        try box.keep(reply, key)
        return box
    }

    private func refusal(_ body: () async throws -> Void) async -> AccessRefusal.Kind? {
        do { try await body() } catch { return (error as? AccessRefusal)?.kind }
        return nil
    }

    @Test func aNodeIsLetInOnceAndKnowsWhoElseIs() async throws {
        let desk = try await founded()
        let token = try await desk.invite(.node, name: "workshop")
        let key = LeafKey()
        let reply = try await desk.join(request("nodebox0", key), secret: token.secret)
        #expect(reply.name == "workshop" && reply.kind == .node && reply.authorityKey == nil && reply.key == nil)
        #expect(reply.access?.admitted.map(\.name) == ["desk", "workshop"])
        #expect(try desk.current()["nodebox0"]?.kind == .node)
        #expect(
            await refusal { _ = try await desk.join(self.request("nodebox1", LeafKey()), secret: token.secret) }
                == .usedToken)
    }

    @Test func tokensRunOut() async throws {
        let desk = try await founded()
        let token = try await desk.invite(.node, name: nil)
        clock.pass(days: 16.0 / 24 / 60)
        #expect(
            await refusal { _ = try await desk.join(self.request("nodebox0", LeafKey()), secret: token.secret) }
                == .expiredToken)
        #expect(
            await refusal { _ = try await desk.join(self.request("nodebox0", LeafKey()), secret: "guess") }
                == .unknownToken)
    }

    @Test func aTokenOfAnotherKindIsNotUsedUp() async throws {
        let desk = try await founded()
        let token = try await desk.invite(.client, name: nil)
        #expect(
            await refusal { _ = try await desk.join(self.request("nodebox0", LeafKey()), secret: token.secret) }
                == .invalid)
        let reply = try await desk.join(JoinRequest(name: "anna"), secret: token.secret)
        let key = try #require(reply.key.flatMap { ClientKey($0) })
        #expect(try desk.current().entry(bearing: key.text)?.name == "anna")
        #expect(try desk.current().entry(bearing: ClientKey().text) == nil)
        // What is kept of it does not open anything.
        #expect(try desk.secrets.text(.access)?.contains(key.text.suffix(43)) == false)
    }

    @Test func onlyOneOfManyAtOnceUsesAToken() async throws {
        let desk = try await founded()
        let token = try await desk.invite(.client, name: nil)
        let admitted = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask { (try? await desk.join(JoinRequest(name: "c\(number)"), secret: token.secret)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(admitted == 1)
    }

    @Test func aCertificateIsRenewedAfterTwentyDaysAndWhenTheHostIsElsewhere() async throws {
        let box = try await joined(founded())
        let names = HostNames(hostName: "box", addresses: ["10.0.0.6"])
        let joiner = HostNames(hostName: "", addresses: ["10.0.0.6"])
        #expect(try box.isRenewalDue(names, now: clock.now), "it has no loopback names yet")
        _ = try await box.renew(name: "box", names, now: clock.now) {
            try await self.desk("desk", "nodedesk").renew($0)
        }
        #expect(try !box.isRenewalDue(names, now: clock.now))
        #expect(try box.isRenewalDue(joiner, now: clock.now))
        #expect(try box.isRenewalDue(HostNames(hostName: "box", addresses: ["10.0.0.7"]), now: clock.now))
        // An address that no certificate may have makes none due.
        #expect(try !box.isRenewalDue(HostNames(hostName: "box", addresses: ["10.0.0.6", "8.8.8.8"]), now: clock.now))
        clock.pass(days: 19.9)
        #expect(try !box.isRenewalDue(names, now: clock.now))
        clock.pass(days: 0.2)
        #expect(try box.isRenewalDue(names, now: clock.now))
    }

    @Test(arguments: [(31.0, true), (119.0, true), (121.0, false)])
    func aLaptopThatWasAwayComesBackWithoutAToken(_ days: Double, _ isRenewed: Bool) async throws {
        let desk = try await founded()
        let box = try await joined(desk)
        clock.pass(days: days)
        let chain = try await Self.chain(of: box)
        let verifier = try box.verifier()
        let now = clock.now
        await #expect(throws: CertificateRefusal.self) { try await verifier.identity(of: chain, now: now) }
        let renewed = try? await box.renew(name: "box", HostNames(hostName: "box", addresses: []), now: now) {
            try await desk.renew($0)
        }
        #expect((renewed != nil) == isRenewed)
        guard isRenewed else { return }
        #expect(try await verifier.identity(of: Self.chain(of: box), now: now).node == NodeID("nodebox0"))
    }

    private static func chain(of desk: TrustDesk) async throws -> [[UInt8]] {
        let text = try #require(try desk.secrets.text(.leaf))
        let base64 = text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        return [Array(try #require(Data(base64Encoded: base64)))]
    }

    @Test func aSecondIssuerRenewsAndTheFirstNeedNotBeThere() async throws {
        let desk = try await founded()
        let second = try await joined(desk, .issuer, "nodesecond")
        let box = try await joined(desk)
        _ = try await second.merge(try desk.current())
        clock.pass(days: 21)
        _ = try await box.renew(name: "box", HostNames(hostName: "box", addresses: []), rotates: true, now: clock.now) {
            try await second.renew($0)
        }
        let token = try await second.invite(.client, name: nil)
        #expect(try await second.join(JoinRequest(name: "anna"), secret: token.secret).key != nil)
        #expect(await refusal { _ = try await box.invite(.node, name: nil) } == .notIssuer)
    }

    @Test func whoWasRevokedIsNotRenewedAndDoesNotComeBackByTheSameId() async throws {
        let desk = try await founded()
        let box = try await joined(desk)
        #expect(try await desk.revoke("box").map(\.id) == ["nodebox0"])
        #expect(
            await refusal {
                _ = try await box.renew(name: "box", Self.names, now: self.clock.now) { try await desk.renew($0) }
            } == .revoked)
        let token = try await desk.invite(.node, name: nil)
        #expect(
            await refusal { _ = try await desk.join(self.request("nodebox0", LeafKey()), secret: token.secret) }
                == .revoked)
        _ = try await desk.join(request("nodebox1", LeafKey()), secret: token.secret)
    }

    @Test func nobodyBecomesAMemberThatIsThereByAToken() async throws {
        let desk = try await founded()
        _ = try await joined(desk)
        let token = try await desk.invite(.node, name: nil)
        for id in ["nodebox0", "nodedesk"] {
            #expect(
                await refusal { _ = try await desk.join(self.request(id, LeafKey()), secret: token.secret) }
                    == .invalid)
        }
        #expect(try desk.current()["nodedesk"]?.kind == .issuer)
        // Nor is the token used up by that.
        _ = try await desk.join(request("nodebox1", LeafKey()), secret: token.secret)
    }

    @Test func aFullClusterUsesUpNoToken() async throws {
        let desk = try await founded()
        let token = try await desk.invite(.client, name: nil)
        let set = try desk.current()
        let many = (0..<AccessSet.limit).map { number in
            AccessEntry(
                id: "laptop\(10000 + number)", kind: .client, name: "n", keyHash: SecretDigest(of: "\(number)").hex,
                added: 1, writer: desk.own)
        }
        try desk.secrets.write(AccessSet(many), as: .access)
        #expect(
            await refusal { _ = try await desk.join(JoinRequest(name: "anna"), secret: token.secret) } == .failed)
        try desk.secrets.write(set, as: .access)
        let reply = try await desk.join(JoinRequest(name: "anna"), secret: token.secret)
        #expect(reply.key != nil)
    }

    @Test func aRenewalThatARotationOvertakesDoesNotReplaceItsCertificate() async throws {
        let desk = try await founded()
        let box = try await joined(desk)
        let (names, now) = (HostNames(hostName: "box", addresses: []), clock.now)
        await #expect(throws: SecretsFailure.self) {
            try await box.renew(name: "box", names, now: now) { request in
                _ = try await box.renew(name: "box", names, rotates: true, now: now) { try await desk.renew($0) }
                return try await desk.renew(request)
            }
        }
        let key = try #require(try box.secrets.leafKey())
        let leaf = try #require(try box.secrets.text(.leaf))
        #expect(key.fits(leaf))
    }

    @Test func nobodyRenewsWithoutTheKeyOfTheOldCertificate() async throws {
        let desk = try await founded()
        let box = try await joined(desk)
        let stolen = try #require(try box.secrets.text(.leaf))
        let key = LeafKey()
        let request = try key.certificateRequest(name: "box")
        let forged = RenewRequest(
            certificate: stolen, request: request, signature: try RenewalProof.signature(of: request, by: key),
            dnsNames: [], addresses: [])
        #expect(await refusal { _ = try await desk.renew(forged) } == .revoked)
    }
}
