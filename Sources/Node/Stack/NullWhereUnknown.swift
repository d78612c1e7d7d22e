/// A value whose key is always there when it is encoded: null where there is none, so that programs find every key each
/// time. (An optional's key would be left out.)
@propertyWrapper
package struct NullWhereUnknown<Value: Encodable>: Encodable {
    package var wrappedValue: Value?

    package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension NullWhereUnknown: Equatable where Value: Equatable {}
extension NullWhereUnknown: Sendable where Value: Sendable {}
