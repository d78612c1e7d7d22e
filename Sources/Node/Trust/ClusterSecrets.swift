package import Cluster
import Foundation
package import Trust

/// What a host keeps secret about one cluster, in `<configuration>/<cluster id>`: certificates and keys, who may enter,
/// and open invitations.
///
/// Files are 0600 in a directory of 0700; see `PrivateDirectory` for what becomes of looser ones. Each is replaced as a
/// whole. ``withLock(limit:_:)`` is for what is read, changed and written by the router and by commands at a time.
package struct ClusterSecrets: Equatable, Sendable {
    package enum File: String, CaseIterable, Sendable {
        case authority = "ca.pem"
        /// Issuers only.
        case authorityKey = "ca.key"
        case leaf = "node.pem"
        case leafKey = "node.key"
        /// Only while a certificate and its key are put in place.
        case nextLeafKey = "node.next.key"
        case clientKey = "client.key"
        /// Keys' digests, limits and revocations, as the cluster shares them.
        case access = "access.json"
        /// Issuers only.
        case invitations = "invitations.json"
    }

    package let cluster: ClusterID
    let directory: PrivateDirectory

    /// - Parameters:
    ///   - configuration: `~/.config/llmstack`: ``ClusterFiles/configuration``.
    ///   - cluster: one whose id can be a directory's name, as ``Advertisement/isIdentifier(_:)`` says.
    /// - Throws: ``SecretsFailure`` for any other.
    package init(configuration: String, cluster: ClusterID) throws(SecretsFailure) {
        guard Advertisement.isIdentifier(cluster.description) else {
            throw SecretsFailure(
                .wrongKind, configuration, "a cluster's id has other characters than letters, digits and hyphens",
                fix: "llmstack cluster leave, then init or join again")
        }
        self.cluster = cluster
        directory = PrivateDirectory(path: "\(configuration)/\(cluster)")
    }

    package var path: String { directory.path }

    package func path(_ file: File) -> String { "\(directory.path)/\(file.rawValue)" }

    // MARK: Texts

    /// - Returns: nil where there is no such file.
    /// - Throws: ``SecretsFailure``, where it is there and others could have read or written it.
    package func text(_ file: File) throws(SecretsFailure) -> String? { try directory.read(file.rawValue) }

    /// - Throws: ``SecretsFailure``; then the file is as it was.
    package func write(_ text: String, to file: File) throws(SecretsFailure) {
        try directory.write(text, to: file.rawValue)
    }

    package func remove(_ file: File) throws(SecretsFailure) { try directory.remove(file.rawValue) }

    /// Removes everything: the host leaves the cluster.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    package func removeAll() throws(SecretsFailure) -> Bool { try directory.removeAll() }

    // MARK: Certificates and keys

    /// What others are verified by.
    ///
    /// - Returns: nil where the host has no certificate of the cluster's authority.
    /// - Throws: ``SecretsFailure``.
    package func verifier() throws(SecretsFailure) -> PeerVerifier? {
        guard let pem = try text(.authority) else { return nil }
        let verifier: PeerVerifier
        do { verifier = try PeerVerifier(authorityPEM: pem) } catch { throw damaged(.authority, error.description) }
        guard verifier.cluster == cluster else { throw damaged(.authority, "it is cluster \(verifier.cluster)'s") }
        return verifier
    }

    /// The authority with its key.
    ///
    /// - Returns: nil where the host is no issuer.
    /// - Throws: ``SecretsFailure``.
    package func authority() throws(SecretsFailure) -> ClusterAuthority? {
        guard let certificate = try text(.authority), let key = try text(.authorityKey) else { return nil }
        let authority: ClusterAuthority
        do { authority = try ClusterAuthority(certificatePEM: certificate, keyPEM: key) } catch {
            throw damaged(.authorityKey, error.description)
        }
        guard authority.cluster == cluster else { throw damaged(.authority, "it is cluster \(authority.cluster)'s") }
        return authority
    }

    /// Makes this host an issuer.
    package func write(_ authority: ClusterAuthority) throws(SecretsFailure) {
        try write(authority.keyPEM, to: .authorityKey)
        try write(authority.certificatePEM, to: .authority)
    }

    /// The leaf's.
    ///
    /// - Returns: nil where the host has none yet.
    package func leafKey() throws(SecretsFailure) -> LeafKey? {
        // Whoever put the leaf in place may have got no further.
        if let next = try key(in: .nextLeafKey), let leaf = try text(.leaf), next.fits(leaf) { return next }
        return try key(in: .leafKey)
    }

    private func key(in file: File) throws(SecretsFailure) -> LeafKey? {
        guard let pem = try text(file) else { return nil }
        do { return try LeafKey(pem: pem) } catch { throw damaged(file, error.description) }
    }

    /// Puts a leaf and its key in place. Two files cannot be replaced at once, so the leaf decides: wherever this ends, the
    /// key of the one that is there is kept, and ``leafKey()`` finds it.
    package func write(_ leaf: String, of key: LeafKey) throws(SecretsFailure) {
        try settleKey()
        try write(key.pem, to: .nextLeafKey)
        try write(leaf, to: .leaf)
        try settleKey()
    }

    private func settleKey() throws(SecretsFailure) {
        guard try text(.nextLeafKey) != nil, let key = try leafKey() else { return }
        try write(key.pem, to: .leafKey)
        try remove(.nextLeafKey)
    }

    /// What a TLS listener shows: the leaf with the authority's certificate after it, by which joiners pin it.
    package struct Presented: Equatable, Sendable, CustomStringConvertible {
        package let chainPEM: String
        package let keyPEM: String

        /// Without the key: it may come into a log.
        package var description: String { "Presented" }
    }

    /// - Returns: nil while anything of it is missing.
    package func presented() throws(SecretsFailure) -> Presented? {
        guard let leaf = try text(.leaf), let authority = try text(.authority), let key = try leafKey() else {
            return nil
        }
        return Presented(chainPEM: leaf + authority, keyPEM: key.pem)
    }

    package func clientKey() throws(SecretsFailure) -> ClientKey? {
        guard let text = try text(.clientKey) else { return nil }
        guard let key = ClientKey(text) else { throw damaged(.clientKey, "it holds no client key") }
        return key
    }

    package func write(_ key: ClientKey) throws(SecretsFailure) { try write(key.text + "\n", to: .clientKey) }

    // MARK: Values

    /// - Parameter file: ``File/access`` or ``File/invitations``.
    /// - Returns: nil where there is no such file.
    package func value<Value: Decodable>(_ type: Value.Type, of file: File) throws(SecretsFailure) -> Value? {
        guard let text = try text(file) else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        do { return try decoder.decode(type, from: Data(text.utf8)) } catch { throw damaged(file, "it is damaged") }
    }

    package func write(_ value: some Encodable, as file: File) throws(SecretsFailure) {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .secondsSince1970
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { throw damaged(file, "its new content cannot be written") }
        try write(String(decoding: data, as: UTF8.self) + "\n", to: file)
    }

    /// Reads, changes and writes while nobody else does.
    ///
    /// - Parameters:
    ///   - limit: how long to wait for another process that holds the lock.
    ///   - body: quick, as the router may be waiting.
    /// - Throws: ``SecretsFailure``, or what `body` throws.
    package func withLock<Result: Sendable>(
        limit: Duration = .seconds(10), _ body: @Sendable (ClusterSecrets) throws -> Result
    ) async throws -> Result {
        try directory.make()
        guard let lock = await FileLock.taking(directory.path, limit: limit) else {
            throw SecretsFailure(
                .locked, directory.path, "another llmstack has been changing it for \(limit.components.seconds) s",
                fix: "try again")
        }
        return try withExtendedLifetime(lock) { try body(self) }
    }

    private func damaged(_ file: File, _ problem: String) -> SecretsFailure {
        // Of two-line errors the first: this one has its own way out.
        let problem = problem.split(separator: "\n").first.map(String.init) ?? problem
        return SecretsFailure(
            .damaged, path(file), problem, fix: "llmstack cluster restore FILE, or leave the cluster and join again")
    }
}
