package import Cluster
import Foundation
import Trust

/// All that a host knows of a cluster, under a passphrase: what `llmstack cluster backup` writes.
///
/// With an issuer's, a cluster whose issuers were lost goes on. Invitations are not in it: they run out in minutes.
package enum ClusterBackup {
    /// The files' names and texts, and the cluster that they belong to, as a file more.
    private static let identityEntry = "cluster.json"

    /// - Returns: the sealed bytes, to be written where they are safe.
    /// - Throws: ``SecretsFailure`` or ``SealedBackup/Failure``.
    package static func pack(
        _ secrets: ClusterSecrets, identity: ClusterIdentity, passphrase: String
    ) throws -> [UInt8] {
        var entries = [identityEntry: String(decoding: try JSONEncoder().encode(identity), as: UTF8.self)]
        for file in ClusterSecrets.File.allCases where file != .invitations {
            if let text = try secrets.text(file) { entries[file.rawValue] = text }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return try SealedBackup.seal(Array(encoder.encode(entries)), passphrase: passphrase)
    }

    /// Puts a backup's files in place. The node's certificate is the host's that was backed up: an issuer that is
    /// restored elsewhere signs itself a new one.
    ///
    /// - Returns: the cluster, which the host is not in until ``ClusterFiles/setCluster(_:)``.
    /// - Throws: ``SecretsFailure``, also where the host is in another cluster or the directory holds another
    ///   authority: then nothing was changed. ``SealedBackup/Failure``.
    package static func restore(_ sealed: [UInt8], passphrase: String, to files: ClusterFiles) throws -> ClusterIdentity
    {
        let bytes = try SealedBackup.open(sealed, passphrase: passphrase)
        guard let entries = try? JSONDecoder().decode([String: String].self, from: Data(bytes)),
            let identity = (entries[identityEntry]?.utf8).flatMap({
                try? JSONDecoder().decode(ClusterIdentity.self, from: Data($0))
            }),
            let authority = entries[ClusterSecrets.File.authority.rawValue],
            let verifier = try? PeerVerifier(authorityPEM: authority), verifier.cluster == identity.id
        else { throw SealedBackup.Failure.noBackup }

        let secrets = try ClusterSecrets(configuration: files.configuration, cluster: identity.id)
        if let present = try files.cluster(), present.id != identity.id {
            throw SecretsFailure(
                .occupied, files.clusterJSON, "this host is in another cluster, \(present.name)",
                fix: "llmstack cluster leave, then restore again")
        }
        if let pin = try presentPin(secrets), pin != verifier.pin {
            throw SecretsFailure(
                .occupied, secrets.path(.authority), "it is another authority than the backup's",
                fix: "llmstack cluster leave, then restore again")
        }
        // The authority last: without it the rest is not used.
        for file in ClusterSecrets.File.allCases.reversed() where file != .invitations {
            if let text = entries[file.rawValue] { try secrets.write(text, to: file) }
        }
        return identity
    }

    /// Of the authority that is there; a damaged one is what a restore is for.
    private static func presentPin(_ secrets: ClusterSecrets) throws(SecretsFailure) -> CertificatePin? {
        do { return try secrets.verifier()?.pin } catch {
            if error.reason == .damaged { return nil }
            throw error
        }
    }
}
