internal import CCurl

/// Why an HTTP exchange came to nothing. A reply with an error status is no failure: the caller looks at the status.
package struct CurlFailure: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// Not an http or https address.
        case badAddress
        /// No such name, nobody there, or the connection was refused.
        case unreachable
        /// The proxy of the environment is not there, or does not let this through.
        case proxy
        /// Took longer than it may, or nothing came for too long.
        case timeout
        /// The connection ended before the reply was complete.
        case cut
        /// The certificate does not hold, or there are no roots to check it against.
        case untrusted
        /// More redirects than are followed, or one to a place that is not to be followed to.
        case redirects
        /// Longer than the caller's limit.
        case tooLong
        /// The caller's task was cancelled, or its sink would take no more.
        case stopped
        case other
    }

    package let kind: Kind
    /// libcurl's own words.
    package let reason: String

    package init(_ kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { reason }

    /// Whether the same request may well succeed a little later.
    package var isTransient: Bool {
        switch kind {
        case .unreachable, .timeout, .cut, .other: true
        case .badAddress, .proxy, .untrusted, .redirects, .tooLong, .stopped: false
        }
    }

    /// What somebody can do about it, beginning with `fix: ` or `next: `.
    package var advice: String {
        switch kind {
        case .badAddress: "fix: give an address that begins with http:// or https://"
        case .unreachable: "fix: check the network, and HTTPS_PROXY where there is a proxy, then run it again"
        case .proxy: "fix: check HTTPS_PROXY and HTTP_PROXY: the address, and user and password in it"
        case .timeout, .cut, .other, .stopped: "next: run it again"
        case .untrusted: "fix: check this machine's clock, and that the ca-certificates package is installed"
        case .redirects, .tooLong: "next: look at the address in a browser: it is not what it should be"
        }
    }

    /// - Parameter detail: libcurl's message for this one transfer; may be empty.
    init(_ code: CURLcode, detail: String) {
        reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        // Until libcurl 8, a proxy's refusal has no code of its own.
        if reason.contains("CONNECT") {
            kind = .proxy
            return
        }
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: kind = .badAddress
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: kind = .unreachable
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: kind = .proxy
        case CURLE_OPERATION_TIMEDOUT: kind = .timeout
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2,
            CURLE_HTTP2_STREAM:
            kind = .cut
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR: kind = .untrusted
        case CURLE_TOO_MANY_REDIRECTS: kind = .redirects
        case CURLE_ABORTED_BY_CALLBACK, CURLE_WRITE_ERROR: kind = .stopped
        default: kind = .other
        }
    }
}
