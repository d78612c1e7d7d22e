/// What went wrong between this host and AWS Bedrock, in OpenAI's shape.
///
/// The client sees status 502 and ``body``; or, in a stream, a last chunk and an error frame
/// (``ConverseStream/fail(_:)``).
package struct ConverseFailure: Error, Sendable, Equatable {
    /// AWS's name of the error (`ThrottlingException`), or one of our own (`upstream_lost`).
    package var code: String
    package var type: String
    /// What is wrong, with AWS's own words in it.
    package var message: String
    /// Whether the same request may work a moment later.
    package var isRetriable: Bool

    package init(code: String, type: String = "server_error", message: String, isRetriable: Bool = false) {
        self.code = code
        self.type = type
        self.message = message
        self.isRetriable = isRetriable
    }

    /// An answer that is not 200.
    ///
    /// - Parameters:
    ///   - errorType: the header `x-amzn-ErrorType`, where there is one.
    ///   - attempts: how often the request was sent.
    package init(
        status: Int, errorType: String?, body: [UInt8], operation: ConverseRequest.Operation, attempts: Int = 1
    ) {
        let json = JSONValue(parsing: body)
        code =
            [errorType, json?["code"]?.text, json?["Code"]?.text, json?["__type"]?.text].lazy
            .compactMap { $0.flatMap(Self.bareName) }.first ?? String(status)
        type = Self.modelled.contains(code) ? code : "ClientError"
        let tries = attempts > 1 ? " (\(attempts) attempts)" : ""
        message =
            "AWS Bedrock answered \(operation.name) with \(code)\(tries): "
            + (Self.message(json) ?? Self.excerpt(body) ?? "HTTP status \(status), without an explanation")
        isRetriable = status == 429 || (500...599).contains(status) || Self.passing.contains(code)
    }

    /// An exception inside a stream, or an error frame of the event stream itself.
    package init(exception: String, payload: [UInt8]) {
        code = exception.isEmpty ? "unknown" : exception
        type = "EventStreamError"
        let json = JSONValue(parsing: payload)
        message =
            "AWS Bedrock broke off ConverseStream with \(code): "
            + (Self.message(json) ?? Self.excerpt(payload) ?? "no explanation")
        isRetriable = false
    }

    /// The connection ended before the reply did.
    package static let lost = ConverseFailure(
        code: "upstream_lost", message: "The connection to AWS Bedrock was lost before the reply was complete.")

    /// A 200 that makes no sense.
    package static let unreadable = ConverseFailure(
        code: "upstream_invalid", message: "AWS Bedrock sent a reply that is not of the Converse API.")

    /// `{"error": {"message", "type", "code"}}`
    package var body: [UInt8] {
        JSONValue.object(
            JSONObject(members: [
                .init(
                    key: "error",
                    value: ["message": .string(message), "type": .string(type), "code": .string(code)])
            ])
        ).bytes
    }

    /// `com.amazon.coral.service#ThrottlingException:http://…` is the exception alone.
    private static func bareName(_ text: String) -> String? {
        let name = text.prefix { $0 != ":" }.split(separator: "#").last ?? ""
        return name.isEmpty ? nil : String(name)
    }

    private static func message(_ json: JSONValue?) -> String? {
        let text = json?["message"]?.text ?? json?["Message"]?.text
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What somebody else (a proxy) said.
    private static func excerpt(_ body: [UInt8]) -> String? {
        let text = String(decoding: body.prefix(300), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return text.isEmpty ? nil : text.joined(separator: " ")
    }

    /// The exceptions in the API's model; all others are of one kind to AWS's own clients.
    private static let modelled: Set<String> = [
        "AccessDeniedException", "ConflictException", "InternalServerException", "ModelErrorException",
        "ModelNotReadyException", "ModelStreamErrorException", "ModelTimeoutException", "ResourceNotFoundException",
        "ServiceQuotaExceededException", "ServiceUnavailableException", "ThrottlingException", "ValidationException",
    ]

    /// Worth another try whatever the status: what AWS's clients call throttling, and a model that is being loaded.
    private static let passing: Set<String> = [
        "ModelNotReadyException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
        "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
    ]
}
