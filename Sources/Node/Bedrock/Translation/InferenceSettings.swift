import Cluster

/// Converse's `inferenceConfig`: what the client asks for, else what the tier's sampler says.
///
/// Sampling beyond temperature and top-p has no place in Converse and is left out, as are penalties, seeds and `n`.
struct InferenceSettings {
    private var settings = JSONObject()

    /// nil where there is nothing to say: some models refuse every setting.
    var json: JSONValue? { settings.members.isEmpty ? nil : .object(settings) }

    init(_ request: JSONObject, sampler: Sampler) {
        settings["temperature"] = Self.fraction(request["temperature"], else: sampler.temperature)
        settings["topP"] = Self.fraction(request["top_p"], else: sampler.topP)
        // A limit of 0 or less is how some clients write "none".
        let limit = ["max_tokens", "max_completion_tokens"].lazy.compactMap { Self.limit(request[$0]) }.first
        settings["maxTokens"] = limit.map { .number(String($0)) }
        let stops = Self.stops(request["stop"])
        if !stops.isEmpty { settings["stopSequences"] = .array(stops) }
    }

    /// A value of the client's, even null or nonsense, keeps the tier's out.
    private static func fraction(_ value: JSONValue?, else preset: Double?) -> JSONValue? {
        switch value {
        case nil: preset.flatMap { $0.isFinite ? .number("\($0)") : nil }
        case .number?: value
        case .string(let text)?: decimal(text).map { .number("\($0)") }
        case .null?, .bool?, .array?, .object?: nil
        }
    }

    private static func limit(_ value: JSONValue?) -> Int? {
        let number: Int? =
            switch value {
            case .string(let text)?: Int(trimmed(text))
            default: value?.integer
            }
        return number.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func stops(_ value: JSONValue?) -> [JSONValue] {
        let listed = value?.text.map { [.string($0)] } ?? value?.elements ?? []
        return listed.filter { $0.text?.isEmpty == false }
    }

    /// A decimal number in a string; Swift would read hexadecimal ones and infinity too.
    private static func decimal(_ text: String) -> Double? {
        let text = trimmed(text)
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func trimmed(_ text: String) -> String {
        let rest = text.drop(while: \.isWhitespace)
        return String(rest.reversed().drop(while: \.isWhitespace).reversed())
    }
}
