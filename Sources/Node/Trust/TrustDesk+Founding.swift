import Cluster
package import Foundation
package import Trust
package import Wire

/// How a host comes to have what it needs in a cluster with keys.
extension TrustDesk {
    /// Makes the cluster's authority, this host's certificate, and a set in which it is the one issuer.
    ///
    /// - Parameters:
    ///   - name: of this host.
    ///   - domain: whose names certificates may have, beside those of the local network.
    /// - Returns: names and addresses that the certificate could not have.
    /// - Throws: ``IssueFailure``, ``SecretsFailure``.
    package func found(name: String, _ names: HostNames, domain: String?, now: Date) async throws -> [String] {
        let authority = try ClusterAuthority.create(cluster, domain: domain, now: now)
        let entry = AccessEntry(
            id: own.description, kind: .issuer, name: name, added: now.timeIntervalSince1970, writer: own)
        // The authority last: without it the rest is not used.
        try secrets.write(AccessSet([entry]), as: .access)
        let key = LeafKey()
        let signed = try sign(key, name, names, by: authority, as: .issuer, now: now)
        try secrets.write(signed.certificatePEM, of: key)
        try secrets.write(authority)
        return signed.leftOut
    }

    /// Makes this host, which has the authority from a backup, an issuer in its own right.
    package func admitSelf(name: String, _ names: HostNames, now: Date) async throws {
        let authority = try authority()
        let key = LeafKey()
        let signed = try sign(key, name, names, by: authority, as: .issuer, now: now)
        try await secrets.withLock { try $0.write(signed.certificatePEM, of: key) }
        let entry = AccessEntry(
            id: own.description, kind: .issuer, name: name, added: now.timeIntervalSince1970, writer: own)
        try await admit(entry)
    }

    /// Keeps what an issuer gave to this host, a node.
    ///
    /// - Throws: ``SecretsFailure``; ``AccessRefusal`` where the reply is none for a node.
    package func keep(_ reply: JoinReply, _ key: LeafKey) throws {
        guard let certificate = reply.certificate else {
            throw AccessRefusal(.invalid, "the issuer sent no certificate")
        }
        try secrets.write(reply.access ?? AccessSet(), as: .access)
        try secrets.write(certificate, of: key)
        if let authorityKey = reply.authorityKey {
            try secrets.write(ClusterAuthority(certificatePEM: reply.authority, keyPEM: authorityKey))
        } else {
            try secrets.write(reply.authority, to: .authority)
        }
    }

    private func sign(
        _ key: LeafKey, _ name: String, _ names: HostNames, by authority: ClusterAuthority,
        as role: PeerIdentity.Role, now: Date
    ) throws -> ClusterAuthority.SignedLeaf {
        let request = try LeafRequest(
            certificateRequest: key.certificateRequest(name: name), name: name, dnsNames: names.dnsNames,
            addresses: names.addresses)
        return try authority.sign(
            request, identity: PeerIdentity(cluster: cluster.id, node: own, role: role), now: now)
    }

    // MARK: The certificate

    /// What a connection shows: this host's certificate with the authority's, for those who know its pin only; and the key.
    ///
    /// - Throws: ``SecretsFailure``, also where something is missing.
    package func credential() throws(SecretsFailure) -> ClusterSecrets.Presented {
        guard let presented = try secrets.presented() else { throw .incomplete(secrets.path) }
        return presented
    }

    /// - Throws: ``SecretsFailure``, also where it is missing.
    package func verifier() throws(SecretsFailure) -> PeerVerifier {
        guard let verifier = try secrets.verifier() else { throw .incomplete(secrets.path) }
        return verifier
    }

    /// Whether this host's certificate is due, for its age or since the host is elsewhere.
    package func isRenewalDue(_ names: HostNames, now: Date) throws -> Bool {
        guard let leaf = try secrets.text(.leaf) else { return true }
        return try verifier().needsRenewal(
            leaf, dnsNames: names.dnsNames, addresses: names.addresses, now: now)
    }

    /// Gets a new certificate: from itself where this host is an issuer, else from the first that gives one.
    ///
    /// - Parameters:
    ///   - rotates: also takes a new key.
    ///   - ask: an issuer.
    /// - Returns: what the certificate could not have.
    /// - Throws: what `ask` throws, ``SecretsFailure``, also where the key was changed meanwhile, ``IssueFailure``.
    package func renew(
        name: String, _ names: HostNames, rotates: Bool = false, now: Date,
        ask: (RenewRequest) async throws -> RenewReply
    ) async throws -> [String] {
        guard let oldLeaf = try secrets.text(.leaf), let old = try secrets.leafKey() else {
            throw SecretsFailure.incomplete(secrets.path)
        }
        let key = rotates ? LeafKey() : old
        let reply: RenewReply
        if let authority = try secrets.authority() {
            let signed = try sign(key, name, names, by: authority, as: .issuer, now: now)
            reply = RenewReply(certificate: signed.certificatePEM, leftOut: signed.leftOut)
        } else {
            let request = try key.certificateRequest(name: name)
            reply = try await ask(
                RenewRequest(
                    certificate: oldLeaf, request: request,
                    signature: RenewalProof.signature(of: request, by: old), dnsNames: names.dnsNames,
                    addresses: names.addresses))
        }
        try await secrets.withLock { secrets in
            // Somebody may type `cluster rotate` while a router renews: a certificate of the old key is of no use then.
            guard try secrets.leafKey()?.pem == old.pem else {
                throw SecretsFailure(
                    .locked, secrets.path(.leafKey), "another llmstack has changed it meanwhile", fix: "try again")
            }
            try secrets.write(reply.certificate, of: key)
        }
        return reply.leftOut
    }
}

extension SecretsFailure {
    static func incomplete(_ path: String) -> SecretsFailure {
        SecretsFailure(
            .damaged, path, "a part of what this host needs in its cluster is missing",
            fix: "llmstack cluster restore FILE, or leave the cluster and join again")
    }
}
