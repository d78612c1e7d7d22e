/// Why an upstream gave no reply, or only the beginning of one.
package struct UpstreamFailure: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// No connection could be made.
        case unreachable
        /// The connection ended, or what came over it was not HTTP.
        case broken
    }

    package var kind: Kind
    package var endpoint: Endpoint
    package var reason: String

    package var description: String {
        switch kind {
        // Over TLS something may well answer that is not to be talked to.
        case .unreachable where endpoint.isTLS: "no connection to \(endpoint) (\(reason))"
        case .unreachable: "nothing answers at \(endpoint) (\(reason))"
        case .broken: "the reply from \(endpoint) broke off (\(reason))"
        }
    }
}
