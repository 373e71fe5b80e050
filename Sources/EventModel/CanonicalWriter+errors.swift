// Errors. Never inlined: they are rare, and their strings would fill the frames of the functions that write.
extension CanonicalWriter {
    @inline(never)
    func notANumber(_ field: CanonicalSchema.Field, _ found: String, integer: Bool) -> Rejection {
        Rejection(field: path(field), code: .invalidValue, message: "\"\(found.prefix(64))\" is not \(integer ? "an integer" : "a number")")
    }

    @inline(never)
    func outOfRange(_ field: CanonicalSchema.Field, _ found: String) -> Rejection {
        Rejection(field: path(field), code: .numberRange, message: "\"\(found.prefix(64))\" is out of range for a number")
    }

    @inline(never)
    func notATime(_ field: CanonicalSchema.Field) -> Rejection {
        Rejection(
            field: path(field), code: .invalidValue, message: "\(path(field)) is a time after RFC 3339, such as 2026-11-20T12:34:56.789Z")
    }

    func path(_ field: CanonicalSchema.Field) -> String { String(decoding: field.path, as: UTF8.self) }

    @inline(never)
    func wrongType(_ field: CanonicalSchema.Field, _ wanted: String, _ found: EventTree.Shape) -> Rejection {
        Rejection(field: path(field), code: .wrongType, message: "\(path(field)) must be \(wanted), found \(found)")
    }

    @inline(never)
    func notAChoice(_ field: CanonicalSchema.Field, _ choices: Choices, _ found: String) -> Rejection {
        Rejection(field: path(field), code: .invalidValue, message: "\"\(found.prefix(64))\" is not one of: \(choices.listed)")
    }
}
