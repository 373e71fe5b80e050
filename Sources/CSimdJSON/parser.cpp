#include "csimdjson.h"

#include <new>
#include <simdjson.h>

struct csimdjson_parser {
    simdjson::dom::parser parser;
    explicit csimdjson_parser(size_t max_capacity) : parser(max_capacity) {}
};

extern "C" csimdjson_parser *csimdjson_create(size_t max_capacity, size_t max_depth) {
    auto *created = new (std::nothrow) csimdjson_parser(max_capacity);
    if (created == nullptr) { return nullptr; }
    if (created->parser.allocate(max_capacity, max_depth) != simdjson::SUCCESS) {
        delete created;
        return nullptr;
    }
    return created;
}

extern "C" void csimdjson_destroy(csimdjson_parser *parser) { delete parser; }

extern "C" int csimdjson_parse(csimdjson_parser *parser, const uint8_t *bytes, size_t length, csimdjson_document *document) {
    simdjson::dom::element root;
    // `false`: the caller promises the padding, so nothing is copied.
    auto error = parser->parser.parse(bytes, length, false).get(root);
    if (error != simdjson::SUCCESS) { return static_cast<int>(error); }
    document->tape = parser->parser.doc.tape.get();
    document->strings = parser->parser.doc.string_buf.get();
    document->structurals = parser->parser.implementation->structural_indexes.get();
    document->structural_count = parser->parser.implementation->n_structural_indexes;
    return 0;
}

extern "C" const char *csimdjson_error_message(int code) {
    return simdjson::error_message(static_cast<simdjson::error_code>(code));
}

extern "C" size_t csimdjson_padding(void) { return simdjson::SIMDJSON_PADDING; }
