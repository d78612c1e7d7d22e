package import Cluster
package import Foundation

/// Why a peer's certificate is not believed. The words follow "its certificate": they come to people through the
/// errors of connections.
package enum CertificateRefusal: Error, Equatable, CustomStringConvertible {
    /// The peer showed none.
    case none
    /// What it showed cannot be read.
    case malformed
    /// It is signed by another authority than the cluster's.
    case foreignAuthority
    case notYetValid(Date)
    case expired(Date)
    /// The authority itself has run out.
    case authorityExpired(Date)
    /// It holds a name or an address that the authority may not certify.
    case foreignName(String)
    /// It breaks another rule for certificates, or is made for something else.
    case unfit
    /// It does not say in one URI which node it is.
    case noIdentity
    case otherCluster(ClusterID)
    /// Who asks for the next certificate did not show that it has the key of this one.
    case noProof
    /// It was let in once, and is no more.
    case revoked
    /// A joiner was shown no authority that is the token's.
    case wrongPin

    package var description: String {
        switch self {
        case .none: "it has no certificate"
        case .malformed: "its certificate cannot be read"
        case .foreignAuthority: "its certificate is not signed by this cluster's authority"
        case .notYetValid(let date):
            "its certificate is valid only from \(date.formatted(.iso8601))\n  fix: compare the clocks of both hosts"
        case .expired(let date): "its certificate ran out at \(date.formatted(.iso8601))"
        case .authorityExpired(let date): "the cluster's authority ran out at \(date.formatted(.iso8601))"
        case .foreignName(let name): "its certificate holds '\(name)', which the cluster's authority may not certify"
        case .unfit: "its certificate is not one of a node"
        case .noIdentity: "its certificate does not say which node it is"
        case .otherCluster(let cluster): "its certificate is of another cluster, \(cluster)"
        case .noProof: "it did not show that it has the key of its certificate"
        case .revoked: "it was revoked"
        case .wrongPin:
            "it is not the cluster that the token is for\n  fix: check that the address is the inviter's"
                + "; someone else may be answering there"
        }
    }
}
