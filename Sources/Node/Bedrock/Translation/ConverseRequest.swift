package import Cluster
import Wire

/// A request to OpenAI's API as one to AWS Bedrock's Converse API. Equal requests make equal bytes.
package struct ConverseRequest: Sendable, Equatable {
    package enum Operation: String, Sendable {
        /// The last component of the path.
        case converse
        case converseStream = "converse-stream"

        /// AWS's name of it, for messages.
        package var name: String { self == .converse ? "Converse" : "ConverseStream" }
    }

    /// A model id or ARN, for the path; not percent-encoded yet.
    package var modelID: String
    /// What the tier says; nil leaves it to environment and profile.
    package var region: String?
    package var operation: Operation
    /// The JSON of the request, without the model.
    package var body: [UInt8]
    package var shape: ReplyShape

    /// - Parameters:
    ///   - body: the client's JSON.
    ///   - path: where the client sent it, which decides the shape of the reply.
    ///   - tier: a hosted one.
    ///   - next: whether the channel is next: a queued model is used where there is one.
    /// - Throws: what to tell a client whose request Converse cannot express.
    package init(body: [UInt8], path: String, tier: Tier, next: Bool) throws(ConverseRefusal) {
        guard case .bedrock(let bedrock) = tier.backend else {
            throw ConverseRefusal(OpenAIError(500, "tier_not_hosted", "The tier \(tier.name) is not hosted on AWS."))
        }
        guard let kind = CompletionKind(path: path) else {
            throw ConverseRefusal(
                OpenAIError(
                    404, "not_found",
                    "The tier \(tier.name) is hosted on AWS Bedrock, which answers /v1/chat/completions and "
                        + "/v1/completions only. Ask a local tier."))
        }
        guard let json = JSONValue(parsing: body), let request = json.object else {
            throw ConverseRefusal("invalid_json", "The body must be a JSON object, nested at most 64 levels deep.")
        }
        if request["response_format"]?["type"] == "json_schema" {
            throw ConverseRefusal(
                "unsupported_value",
                "The tier \(tier.name) is hosted on AWS Bedrock, which cannot hold a reply to a JSON schema. "
                    + "Leave response_format out and offer a tool with that schema, or ask a local tier.")
        }
        let conversation = try ConverseConversation(request)
        let tools = try ConverseTools(request, conversation: conversation)
        var converse = JSONObject()
        converse["messages"] = .array(conversation.turns.map(\.json))
        if !conversation.system.isEmpty { converse["system"] = .array(conversation.system) }
        converse["inferenceConfig"] = InferenceSettings(request, sampler: tier.sampler).json
        converse["toolConfig"] = tools.json
        let target = bedrock.target(next: next)
        modelID = target.modelID
        region = target.region
        operation = request["stream"]?.isTruthy == true ? .converseStream : .converse
        self.body = JSONValue.object(converse).bytes
        shape = ReplyShape(
            kind: kind, model: tier.name,
            includesUsage: request["stream_options"]?["include_usage"]?.isTruthy == true)
    }
}
