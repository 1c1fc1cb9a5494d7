//! `functionDeclarations`: the client's functions.

use bytes::BufMut;

use super::schema::{self, SchemaError};
use crate::codec::write::Array;

/// A function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declaration<'a> {
    pub(crate) name: &'a str,
    /// Pieces of the inside of a JSON string.
    pub(crate) description: &'a [&'a str],
    /// JSON text.
    pub(crate) parameters: Option<&'a str>,
    /// Whether the model takes only a subset of OpenAPI's schemas.
    pub(crate) legacy_schema: bool,
}

/// Writes an element of `functionDeclarations`; tells whether the parameters say less than the client's.
///
/// # Errors
/// The parameters cannot be expressed.
pub(crate) fn write_declaration(
    list: &mut Array<'_>,
    function: Declaration<'_>,
) -> Result<bool, SchemaError> {
    let mut declaration = list.object();
    declaration.string("name", function.name);
    if function.description.iter().any(|piece| !piece.is_empty()) {
        let out = declaration.key("description");
        out.put_u8(b'"');
        for piece in function.description {
            out.extend_from_slice(piece.as_bytes());
        }
        out.put_u8(b'"');
    }
    let mut changed = false;
    // An object without members is an error in one of the forms, and says nothing in the other.
    if let Some(parameters) = function.parameters.filter(|p| !schema::says_nothing(p)) {
        if function.legacy_schema {
            changed = schema::write_subset(parameters, declaration.key("parameters"))?;
        } else {
            schema::write_parameters(parameters, declaration.key("parametersJsonSchema"))?;
        }
    }
    declaration.end();
    Ok(changed)
}
