package import Cluster

/// Why an authority was not made or read, or does not sign.
package enum IssueFailure: Error, Equatable, CustomStringConvertible {
    /// `--domain` is no DNS name.
    case badDomain(String)
    /// The authority's certificate or key cannot be used.
    case badAuthority(String)
    /// The key is not the certificate's.
    case keyMismatch
    /// A request breaks a rule or a limit; says which.
    case badRequest(String)
    /// The request is not signed by the key that it wants certified.
    case noProof
    /// The identity is for another cluster than the authority's.
    case otherCluster(ClusterID)
    /// The authority has run out, or begins later.
    case notInForce

    package var description: String {
        switch self {
        case .badDomain(let domain):
            "'\(domain)' is no domain\n  fix: name it as in team.example, without a dot or a star at its beginning"
        case .badAuthority(let problem):
            "the cluster's authority cannot be used: \(problem)\n  fix: llmstack cluster restore FILE, from a backup"
        case .keyMismatch:
            "ca.key is not the key of ca.pem\n  fix: llmstack cluster restore FILE, from a backup"
        case .badRequest(let problem):
            "the request for a certificate is refused: \(problem)\n  fix: join with the same version of llmstack"
        case .noProof:
            "the request for a certificate is refused: it is not signed by its own key\n  fix: join again"
        case .otherCluster(let cluster):
            "no certificate for cluster \(cluster): this authority is another cluster's\n  fix: ask an issuer of that one"
        case .notInForce:
            "the cluster's authority is not valid now\n  fix: check this host's clock; make a new cluster if it is right"
        }
    }
}
