package import Cluster
package import Foundation
package import Trust
package import Wire

/// Joins a cluster with a token: asks places one by one until an issuer of that cluster lets this host in.
package struct Enrolment: Sendable {
    /// Why a place did not let it in.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// Nobody answers there, or nobody that could show the token's cluster: the secret was not sent.
        case unproven(String)
        /// A router of the cluster that holds no authority: others may.
        case notIssuer
        /// An issuer's word: no other need be asked.
        case refused(String)
        /// Asked too often from this host's address: the token was not looked at.
        case tooOften(String)

        package var description: String {
            switch self {
            case .unproven(let reason), .refused(let reason), .tooOften(let reason): reason
            case .notIssuer: "it is a node of the cluster, and no issuer"
            }
        }
    }

    private let token: JoinToken
    private let clock: @Sendable () -> Date
    /// For one place.
    private static let patience = Duration.seconds(3)

    package init(_ token: JoinToken, clock: @escaping @Sendable () -> Date = { Date() }) {
        self.token = token
        self.clock = clock
    }

    /// The secret is sent only to who has shown, in the handshake, a certificate of the authority that the token pins.
    ///
    /// - Throws: ``Failure``.
    package func ask(_ place: Place, _ request: JoinRequest) async throws(Failure) -> JoinReply {
        let reply: (status: Int, body: [UInt8])
        do {
            let (pin, clock) = (token.pin, clock)
            let stranger = try TLSIdentity(chainPEM: nil, keyPEM: nil) { chain in
                try await PeerVerifier.joining(chain: chain, pin: pin, now: clock()).identity
            }
            var endpoint = Endpoint(host: place.host, port: place.port)
            endpoint.security = .tls(stranger, expected: nil)
            reply = try await HTTPProbe.ask(
                "POST", at: endpoint, path: "/llmstack/v1/join",
                fields: ["authorization": "Bearer \(token.secret)"], body: Array(JSONEncoder().encode(request)),
                timeout: Self.patience)
        } catch {
            throw .unproven("\(error)")
        }
        if reply.status == 409 { throw .notIssuer }
        guard reply.status == 200 else {
            let reason = OpenAIError.message(in: reply.body) ?? "it answers \(reply.status)"
            throw reply.status == 429 ? Failure.tooOften(reason) : .refused(reason)
        }
        guard let answer = try? JSONDecoder().decode(JoinReply.self, from: Data(reply.body)),
            let verifier = try? PeerVerifier(authorityPEM: answer.authority), verifier.pin == token.pin,
            verifier.cluster == answer.cluster.id, ClusterIdentity.isName(answer.cluster.name),
            ClusterIdentity.isName(answer.name)
        else { throw .refused("what it answers is not of the token's cluster") }
        return answer
    }
}
