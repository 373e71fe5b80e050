/// A tenant's name becomes a folder's name, so it is held to what every file system takes.
public enum TenantName {
    public static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count > 0, text.count <= Limits.tenantBytes, text[0] != UInt8(ascii: ".") else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    public static func isValid(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { isValid(UnsafeRawBufferPointer($0)) }
    }
}
