import Cluster
import Coordinator
import Foundation
import Logging
import Node
import Trust
import Wire

/// What a router needs in a cluster with keys, while it is in it: its own certificate, who is let in, and the word of both to
/// and from the other nodes.
struct ClusterTrust: Sendable {
    let desk: TrustDesk
    let identity: TLSIdentity
    let transport: ClusterTransport
    let routes: AccessRoutes
    let exchange: AccessExchange
    /// Where nodes may be, seen or not: whoever may give this host its next certificate.
    private let places: @Sendable () -> [(id: NodeID, place: Place)]
    private let verify: @Sendable ([[UInt8]]) async throws -> PeerIdentity
    private let name: String
    private let log: Logger

    private static let interval = Duration.seconds(10)
    /// After a try that failed.
    private static let pause = Duration.seconds(30)
    private static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - members: the nodes that are up, and where.
    ///   - places: all that are known, whatever their state.
    /// - Throws: where the host's files lack something, or others could read them.
    init(
        _ desk: TrustDesk, name: String, log: Logger, note: @escaping @Sendable (() -> AuditRecord) -> Void,
        members: @escaping @Sendable () -> [(id: NodeID, place: Place)],
        places: @escaping @Sendable () -> [(id: NodeID, place: Place)]
    ) throws {
        self.desk = desk
        self.name = name
        self.log = log
        self.places = places
        let verifier = try desk.verifier()
        let doorkeeper = Doorkeeper(try desk.current(), keyed: { $1.entry(bearing: $0) }, note: note)
        verify = { chain in
            let identity = try await verifier.identity(of: chain, now: Date())
            if doorkeeper.set.isRevoked(identity.node.description) { throw CertificateRefusal.revoked }
            return identity
        }
        let own = try desk.credential()
        identity = try TLSIdentity(chainPEM: own.chainPEM, keyPEM: own.keyPEM, verify: verify)
        transport = ClusterTransport(identity: identity) { doorkeeper.set.isRevoked($0.description) }
        let exchange = AccessExchange(transport, log: log, members: members)
        self.exchange = exchange
        routes = AccessRoutes(doorkeeper, desk, log: log, note: note) { exchange.hasNews() }
    }

    /// Until it is cancelled: keeps the certificate fit for where this host is and what time it is.
    func keepCertificate() async {
        var complaint = ""
        var shown = try? desk.credential().chainPEM
        while !Task.isCancelled {
            var pause = Self.interval
            do {
                let names = HostNames.current()
                if try desk.isRenewalDue(names, now: Date()) {
                    try await renew(names)
                    log.notice("this host has a new certificate")
                }
                // A command may have got one, too.
                let own = try desk.credential()
                if own.chainPEM != shown {
                    try identity.renew(chainPEM: own.chainPEM, keyPEM: own.keyPEM)
                    shown = own.chainPEM
                }
                complaint = ""
            } catch {
                pause = Self.pause
                if complaint != "\(error)" {
                    log.log(
                        level: error is ShutOut ? .error : .warning,
                        "this host's certificate is due and was not renewed: \(error)")
                }
                complaint = "\(error)"
            }
            do { try await Task.sleep(for: pause) } catch { return }
        }
    }

    private func renew(_ names: HostNames) async throws {
        // Its own certificate may have run out: it shows none, and the request itself proves who asks.
        let stranger = try TLSIdentity(chainPEM: nil, keyPEM: nil, verify: verify)
        let leftOut = try await desk.renew(name: name, names, now: Date()) { request in
            try await Self.ask(request, issuersFirst(), as: stranger)
        }
        if !leftOut.isEmpty {
            log.notice("its certificate cannot have \(leftOut.joined(separator: ", ")): llmstack doctor says why")
        }
    }

    private func issuersFirst() -> [(id: NodeID, place: Place)] {
        let set = routes.doorkeeper.set
        let known = places()
        let issuers = known.filter { set[$0.id.description]?.kind == .issuer }
        return issuers + known.filter { one in !issuers.contains { $0.id == one.id } }
    }

    /// An issuer does not know this node, or no more.
    struct ShutOut: Error, CustomStringConvertible {
        /// The issuer's word.
        let reason: String

        var description: String { "\(reason)\n  next: llmstack cluster leave, then llmstack join TOKEN" }
    }

    /// Asks for a new certificate, one place after the other.
    ///
    /// - Throws: ``ShutOut``, or why the last one gave none.
    static func ask(
        _ request: RenewRequest, _ places: [(id: NodeID, place: Place)], as stranger: TLSIdentity
    ) async throws -> RenewReply {
        var last: any Error = StackFailure("no node of the cluster is known", advice: "next: llmstack nodes")
        let body = Array(try JSONEncoder().encode(request))
        for (id, place) in places {
            do {
                var endpoint = Endpoint(host: place.host, port: place.port)
                endpoint.security = .tls(stranger, expected: id)
                let reply = try await HTTPProbe.ask(
                    "POST", at: endpoint, path: "/llmstack/v1/renew", body: body, timeout: patience)
                if reply.status == 401 {
                    throw ShutOut(reason: OpenAIError.message(in: reply.body)?.printable() ?? "this node is not let in")
                }
                guard reply.status == 200 else {
                    throw StackFailure(
                        "\(ClusterPort.text(place)): \(OpenAIError.message(in: reply.body) ?? "status \(reply.status)")",
                        advice: "next: llmstack cluster keys, on an issuer")
                }
                return try JSONDecoder().decode(RenewReply.self, from: Data(reply.body))
            } catch {
                // The rest cannot know better: they hold no authority, or do not answer.
                if !(last is ShutOut) { last = error }
            }
        }
        throw last
    }
}
