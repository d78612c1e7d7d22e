package import Wire

/// A request that cannot be put to Converse, before anything was sent.
package struct ConverseRefusal: Error, Equatable {
    package var error: OpenAIError

    package init(_ error: OpenAIError) { self.error = error }

    /// Status 400.
    init(_ code: String, _ message: String) { error = OpenAIError(400, code, message) }
}
