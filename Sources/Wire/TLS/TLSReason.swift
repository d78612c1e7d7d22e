import NIOCore
import NIOSSL

/// What went wrong with TLS, in words for people.
enum TLSReason {
    /// - Returns: nil where the error is none of TLS.
    static func text(of error: any Error) -> String? {
        switch error {
        case NIOSSLError.handshakeFailed(let cause), NIOSSLError.shutdownFailed(let cause): words(for: cause)
        case NIOSSLError.uncleanShutdown: "closed by the other side"
        case let error as BoringSSLError: words(for: error)
        case let error as NIOSSLError: "TLS: \(error)"
        case let error as NIOSSLExtraError: "TLS: \(error)"
        default: nil
        }
    }

    private static func words(for error: BoringSSLError) -> String {
        let stack =
            switch error {
            case .sslError(let stack), .unknownError(let stack), .invalidSNIName(let stack),
                .failedToSetALPN(let stack):
                stack
            default: NIOBoringSSLErrorStack()
            }
        guard let first = stack.first else {
            return if case .syscallError = error { closedEarly } else { "TLS: \(error)" }
        }
        if stack.contains(.eofDuringHandshake) || stack.contains(.eofDuringAdditionalCertficiateChainValidation) {
            return closedEarly
        }
        let name = name(of: first)
        for (part, text) in texts where name.contains(part) { return text }
        return "TLS: \(name)"
    }

    /// BoringSSL's name for it, which its text has between `OPENSSL_internal:` and the place in its source.
    private static func name(of error: BoringSSLInternalError) -> Substring {
        let text = Substring(error.description)
        let marker = "OPENSSL_internal:"
        guard let start = text.firstRange(of: marker)?.upperBound else { return text }
        return text[start...].prefix { $0 != " " }
    }

    static let closedEarly = "closed by the other side before the TLS handshake was over"

    /// The first whose name is part of BoringSSL's counts. Names from BoringSSL's ssl.h; the alerts are those of RFC 8446,
    /// section 6.2, that are about certificates.
    private static let texts: [(part: String, text: String)] = [
        ("ALERT_CERTIFICATE_REQUIRED", "it wants a certificate of this host"),
        ("ALERT_CERTIFICATE_EXPIRED", "this host's certificate has run out, it says"),
        ("ALERT_CERTIFICATE_REVOKED", "this host's certificate is revoked, it says"),
        ("ALERT_CERTIFICATE_UNKNOWN", refused), ("ALERT_BAD_CERTIFICATE", refused),
        ("ALERT_UNSUPPORTED_CERTIFICATE", refused), ("ALERT_UNKNOWN_CA", refused), ("ALERT_ACCESS_DENIED", refused),
        ("ALERT_PROTOCOL_VERSION", "it does not take TLS 1.3"), ("UNSUPPORTED_PROTOCOL", "it does not take TLS 1.3"),
        ("WRONG_VERSION_NUMBER", "what answers there is not TLS"), ("HTTP_REQUEST", "what answers there is not TLS"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate was refused"),
    ]
    private static let refused = "it refused this host's certificate"
}
