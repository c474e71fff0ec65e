/* Dicts, and the attribute values that an instance keeps inline. Included by
 * layout.h, after the headers of CPython.
 */
#ifndef OPS_WALKER_LAYOUT_DICT_H
#define OPS_WALKER_LAYOUT_DICT_H

/* ---- attribute values kept inline ---------------------------------------- */

static inline PyDictKeysObject *
layout_cached_keys(PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    return ((PyHeapTypeObject *)type)->ht_cached_keys;
}

/* The values of an instance that has no __dict__ object yet; NULL if it has none.
 * Their names are the first keys of the type's cached keys. */
static inline PyObject **
layout_inline_values(PyObject *object, PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return NULL;
#if LAYOUT_AT_LEAST(13)
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES))
        return NULL;
    PyDictValues *values = _PyObject_InlineValues(object);
    return values->valid ? values->values : NULL;
#elif LAYOUT_AT_LEAST(12)
    PyDictOrValues slot = *_PyObject_DictOrValuesPointer(object);
    if (!_PyDictOrValues_IsValues(slot))
        return NULL;
    PyDictValues *values = _PyDictOrValues_GetValues(slot);
    return values == NULL ? NULL : values->values;
#else
    PyDictValues *values = *_PyObject_ValuesPointer(object);
    return values == NULL ? NULL : values->values;
#endif
}

/* Bytes of the inline values and of the data before them; no __sizeof__ counts
 * them. Source: new_values and _PyObject_InitInlineValues in CPython. */
static inline size_t
layout_inline_size(PyObject *object, PyTypeObject *type)
{
#if LAYOUT_AT_LEAST(13)
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES))
        return 0;
    size_t capacity = _PyObject_InlineValues(object)->capacity;
    size_t before = offsetof(PyDictValues, values);
    size_t order = (capacity + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return before + capacity * sizeof(PyObject *) + order;
#else
    PyDictKeysObject *keys = layout_cached_keys(type);
    if (keys == NULL || layout_inline_values(object, type) == NULL)
        return 0;
    size_t capacity = (size_t)(keys->dk_nentries + keys->dk_usable);
    size_t before = (capacity + 2 + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return before + capacity * sizeof(PyObject *);
#endif
}

static inline PyObject *
layout_managed_dict(PyObject *object)
{
#if LAYOUT_AT_LEAST(13)
    return (PyObject *)_PyObject_ManagedDictPointer(object)->dict;
#elif LAYOUT_AT_LEAST(12)
    PyDictOrValues slot = *_PyObject_DictOrValuesPointer(object);
    return _PyDictOrValues_IsValues(slot) ? NULL : _PyDictOrValues_GetDict(slot);
#else
    return *_PyObject_ManagedDictPointer(object);
#endif
}

/* The dict at tp_dictoffset of the instance, if any. */
static inline PyObject *
layout_offset_dict(PyObject *object, PyTypeObject *type)
{
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return NULL;
    if (offset < 0) {
        Py_ssize_t items;
        if (PyType_HasFeature(type, Py_TPFLAGS_LONG_SUBCLASS))
            items = layout_int_digits(object);
        else {
            items = ((PyVarObject *)object)->ob_size;
            items = items < 0 ? -items : items;
        }
        Py_ssize_t size = type->tp_basicsize + items * type->tp_itemsize;
        size = (size + (Py_ssize_t)sizeof(void *) - 1) & ~(Py_ssize_t)(sizeof(void *) - 1);
        offset += size;
        if (offset <= 0)
            return NULL;
    }
    return *(PyObject **)((char *)object + offset);
}

/* ---- dicts --------------------------------------------------------------- */

static inline Py_ssize_t
layout_keys_count(PyDictKeysObject *keys)
{
    return keys->dk_nentries;
}

static inline int
layout_keys_are_strings(PyDictKeysObject *keys)
{
    return DK_IS_UNICODE(keys);
}

/* Key and value at index i of a dict; the value is NULL for an empty entry. */
static inline void
layout_dict_entry(PyDictObject *dict, Py_ssize_t i, PyObject **key, PyObject **value)
{
    PyDictKeysObject *keys = dict->ma_keys;
    if (!DK_IS_UNICODE(keys)) {
        PyDictKeyEntry *entry = &DK_ENTRIES(keys)[i];
        *key = entry->me_key;
        *value = entry->me_value;
        return;
    }
    PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(keys)[i];
    *key = entry->me_key;
    *value = dict->ma_values != NULL ? dict->ma_values->values[i] : entry->me_value;
}

static inline PyObject *
layout_keys_name(PyDictKeysObject *keys, Py_ssize_t i)
{
    return DK_UNICODE_ENTRIES(keys)[i].me_key;
}

static inline size_t
layout_keys_size(PyDictKeysObject *keys)
{
    size_t entry = DK_IS_UNICODE(keys) ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry);
    /* Two thirds of the hash table, as in Objects/dictobject.c. */
    size_t usable = ((size_t)DK_SIZE(keys) << 1) / 3;
    return sizeof(PyDictKeysObject) + ((size_t)1 << keys->dk_log2_index_bytes) + usable * entry;
}

#endif
