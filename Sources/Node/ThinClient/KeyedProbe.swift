package import Cluster
import Foundation
import Synchronization
import Trust
import Wire

/// Finds out by a TLS handshake who is at a place. Nothing is told to anybody that cannot show who it is.
package struct KeyedProbe: Sendable {
    /// Who a sighting says it is.
    package struct Claim: Equatable, Sendable {
        package var cluster: ClusterID
        package var node: NodeID

        package init(cluster: ClusterID, node: NodeID) {
            self.cluster = cluster
            self.node = node
        }
    }

    package enum Outcome: Equatable, Sendable {
        /// Nobody is there, or nobody who speaks TLS.
        case silent
        /// It has shown who it is.
        ///
        /// - `authority`: the pin, as text.
        /// - `key`: whether this host's key was taken; nil where it has none to show.
        case known(PeerIdentity, authority: String, key: Bool?)
        /// A node of a cluster that this host knows nothing of: its word only.
        case unknown(ClusterID)
        /// It is not who it claims to be, or no node of any cluster: why.
        case refused(String)
    }

    /// What came of looking at a certificate.
    private enum Judgement: Sendable {
        case known(PeerIdentity, authority: String, access: ClusterAccess?)
        case unknown(ClusterID)
        case refused(String)
    }

    private struct NotTaken: Error {}

    private final class Witness: Sendable {
        let judgement = Mutex<Judgement?>(nil)
    }

    private let keys: KeyRing

    package init(_ keys: KeyRing) { self.keys = keys }

    /// - Parameters:
    ///   - claim: nil takes whoever this host knows.
    ///   - timeout: for the whole exchange.
    package func look(at place: Place, _ claim: Claim?, timeout: Duration) async -> Outcome {
        let witness = Witness()
        let keys = keys
        let identity = try? TLSIdentity(chainPEM: nil, keyPEM: nil) { chain in
            let judgement = await Self.judge(chain, claim, keys)
            witness.judgement.withLock { $0 = judgement }
            guard case .known(let identity, _, _) = judgement else { throw NotTaken() }
            return identity
        }
        guard let identity else { return .silent }
        var endpoint = Endpoint(host: place.host, port: place.port)
        endpoint.security = .tls(identity, expected: nil)
        let clock = ContinuousClock()
        let end = clock.now + timeout
        // Refused without a key, and so a sign of life that costs the other side nothing.
        let reply = try? await HTTPProbe.ask("GET", at: endpoint, path: "/llmstack/v1/node", timeout: timeout)
        switch witness.judgement.withLock({ $0 }) {
        case nil: return .silent
        case .refused(let reason): return .refused(reason)
        case .unknown(let cluster): return .unknown(cluster)
        case .known(let found, let authority, let access):
            guard reply != nil else { return .silent }
            guard let access, access.key != nil else { return .known(found, authority: authority, key: nil) }
            let answer = try? await access.get(
                "/models.ini", at: place, found.node, timeout: max(.zero, end - clock.now))
            return .known(found, authority: authority, key: answer.map { $0.status != 401 } ?? true)
        }
    }

    /// 1. The token that its user holds: its cluster's routers.
    /// 2. Clusters that this host is a client of; only the claimed one, where there is a claim.
    /// 3. A chain that is sound in itself tells of a cluster to get a token for.
    private static func judge(_ chain: [[UInt8]], _ claim: Claim?, _ keys: KeyRing) async -> Judgement {
        let now = Date()
        // 1.
        if let token = keys.token {
            do throws(CertificateRefusal) {
                let found = try await PeerVerifier.joining(chain: chain, pin: token.pin, now: now).identity
                let access = (try? keys.access(to: found.cluster)) ?? nil
                return fits(found, claim)
                    ?? .known(
                        found, authority: token.pin.text, access: access?.authority == token.pin.text ? access : nil)
            } catch {
                if error != .wrongPin { return .refused(line(error)) }
            }
        }
        // 2.
        let known: [ClusterAccess]
        if let claim {
            do { known = try keys.access(to: claim.cluster).map { [$0] } ?? [] } catch { return .refused("\(error)") }
        } else {
            known = keys.all
        }
        for access in known {
            do throws(CertificateRefusal) {
                let found = try await access.verifier.identity(of: chain, now: now)
                return fits(found, claim) ?? .known(found, authority: access.authority, access: access)
            } catch {
                if claim != nil { return .refused(line(error)) }
            }
        }
        // 3.
        for der in chain.dropFirst() {
            guard let verifier = try? PeerVerifier(authorityPEM: pem(der)),
                let found = try? await verifier.identity(of: chain, now: now)
            else { continue }
            return fits(found, claim) ?? .unknown(found.cluster)
        }
        return .refused("its certificate is none of a cluster's node")
    }

    /// nil where nothing is wrong.
    private static func fits(_ found: PeerIdentity, _ claim: Claim?) -> Judgement? {
        guard let claim else { return nil }
        if found.cluster != claim.cluster { return .refused("its certificate is of another cluster, \(found.cluster)") }
        if found.node != claim.node { return .refused("its certificate is that of another node, \(found.node)") }
        return nil
    }

    private static func line(_ refusal: CertificateRefusal) -> String {
        String(refusal.description.prefix { $0 != "\n" })
    }

    /// RFC 7468.
    private static func pem(_ der: [UInt8]) -> String {
        let body = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(body)\n-----END CERTIFICATE-----\n"
    }
}
