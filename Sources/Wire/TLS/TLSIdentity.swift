package import Cluster
import NIOCore
import NIOSSL
import Synchronization

/// This host's certificate and how it verifies others'. Certificate and key can be renewed in place: connections made later
/// use the new ones.
///
/// TLS 1.3 and nothing older (RFC 8446). The system's authorities count for nothing here: ``verify`` alone decides.
package final class TLSIdentity: Sendable {
    /// What is wrong with a certificate or key, and what to do. The key itself is never in it.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    private struct Contexts: Sendable {
        let client: NIOSSLContext
        let server: NIOSSLContext?
    }

    /// Seconds that a connection which ends in order waits for the other side's farewell.
    private static let farewellSeconds: Int64 = 1

    let verify: @Sendable ([[UInt8]]) async throws -> PeerIdentity
    private let contexts: Mutex<Contexts>

    /// - Parameters:
    ///   - chainPEM: this host's certificate first, then what others are to see of those above it. Nil with a nil key: a
    ///     client without certificate.
    ///   - keyPEM: the key of the first certificate.
    ///   - verify: gets the chain that the other side presents, DER, leaf first, and says who it is. What it throws refuses
    ///     the connection, and its description is what the caller is told.
    /// - Throws: ``Failure``.
    package init(
        chainPEM: String?, keyPEM: String?, verify: @escaping @Sendable ([[UInt8]]) async throws -> PeerIdentity
    ) throws {
        self.verify = verify
        let made: Contexts
        switch (chainPEM, keyPEM) {
        case (let chain?, let key?): made = try Self.contexts(chain, key)
        case (nil, nil): made = Contexts(client: try Self.context(Self.client()), server: nil)
        case (nil, _?), (_?, nil):
            throw Failure(description: "a certificate or a key is given without the other; fix: give both, or neither")
        }
        contexts = Mutex(made)
    }

    /// Uses another certificate and key from the next connection on; those that are open go on as they are.
    ///
    /// - Throws: ``Failure``; the old ones stay then.
    package func renew(chainPEM: String, keyPEM: String) throws {
        let made = try Self.contexts(chainPEM, keyPEM)
        contexts.withLock { $0 = made }
    }

    var clientContext: NIOSSLContext { contexts.withLock { $0.client } }

    /// - Throws: ``Failure`` where there is no certificate: a server needs one.
    func serverContext() throws -> NIOSSLContext {
        guard let context = contexts.withLock({ $0.server }) else {
            throw Failure(description: "a server needs a certificate; fix: give chain and key")
        }
        return context
    }

    private static func contexts(_ chainPEM: String, _ keyPEM: String) throws -> Contexts {
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(Array(chainPEM.utf8)), !chain.isEmpty else {
            throw Failure(description: "the certificate chain has no certificate in PEM; fix: have it issued anew")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) else {
            throw Failure(description: "the key is no private key in PEM; fix: have key and certificate issued anew")
        }
        let sources = chain.map { NIOSSLCertificateSource.certificate($0) }
        var client = client()
        client.certificateChain = sources
        client.privateKey = .privateKey(key)
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: sources, privateKey: .privateKey(key))
        // Asked for, and not insisted on: a client may have a key of another kind to show.
        server.certificateVerification = .optionalVerification
        common(&server)
        return Contexts(client: try context(client), server: try context(server))
    }

    private static func client() -> TLSConfiguration {
        var client = TLSConfiguration.makeClientConfiguration()
        // Names and addresses change; the identity in the certificate is what is looked at.
        client.certificateVerification = .noHostnameVerification
        common(&client)
        return client
    }

    private static func common(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates([])
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(farewellSeconds)
    }

    private static func context(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(
                description: "certificate and key cannot be used (\(TLSReason.text(of: error) ?? "\(error)")); "
                    + "fix: have both issued anew")
        }
    }
}

extension TLSIdentity: Hashable {
    /// By object: two with the same certificate may verify differently.
    package static func == (one: TLSIdentity, other: TLSIdentity) -> Bool { one === other }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
