/// What a request's head must be like before anything is done with it.
///
/// What is refused here is what two parsers could read in two ways (RFC 9112, sections 3.2, 6.1 and 6.3): llama-swap
/// must not see another request than the router saw.
enum HeadRules {
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    /// - Returns: the error to answer with; nil when the head is in order.
    static func fault(_ head: RequestHead, _ limits: RequestLimits) -> OpenAIError? {
        let fields = head.fields
        if !methods.contains(head.method) {
            return OpenAIError(405, "method_not_allowed", "The method \(head.method) is not supported here.")
        }
        if head.target.utf8.count > limits.target {
            return OpenAIError(414, "uri_too_long", "The request's path is longer than \(limits.target) bytes.")
        }
        if fields.count > limits.fields {
            return OpenAIError(431, "head_too_large", "The request has more than \(limits.fields) header fields.")
        }
        if fields.size + head.target.utf8.count > limits.head {
            return OpenAIError(431, "head_too_large", "The request's head is larger than \(limits.head) bytes.")
        }
        if !head.target.hasPrefix("/"), head.target != "*" || head.method != "OPTIONS" {
            return OpenAIError(400, "invalid_request", "The request's target must be a path that begins with /.")
        }
        let hosts = fields.all("host")
        if hosts.count != 1 || HostPort.split(hosts[0]) == nil {
            return OpenAIError(400, "invalid_host", "The request must have one Host field, and a valid one.")
        }
        let lengths = fields.all("content-length")
        let codings = fields.all("transfer-encoding")
        if lengths.count > 1 || !(lengths.first.map(isDecimal) ?? true) {
            return OpenAIError(400, "invalid_framing", "The request must have at most one Content-Length, a number.")
        }
        if !codings.isEmpty, codings.count > 1 || codings[0].lowercased() != "chunked" || !lengths.isEmpty {
            return OpenAIError(
                400, "invalid_framing", "The only Transfer-Encoding taken is chunked, and then without Content-Length.")
        }
        if fields.contains("upgrade"), fields.all("connection").contains(where: { $0.lowercased().contains("upgrade") })
        {
            return OpenAIError(501, "upgrade_not_supported", "Protocol upgrades are not supported; ask in HTTP/1.1.")
        }
        return nil
    }

    private static func isDecimal(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count < 19 && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }
}
