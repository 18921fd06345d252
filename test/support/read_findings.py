"""highdicom and pydicom read an SR with located findings and the SEGs of the same draft, as JSON on stdout.

python read_findings.py SR [SEG ...]
"""
import io
import json
import sys

import highdicom as hd
import pydicom
from pydicom import dcmread

# A value that its VR forbids ends the script.
pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE


def code(concept):
    return [concept.value, concept.scheme_designator, concept.meaning]


def without_empty_numbers(item):
    """highdicom 0.28 stops at a NUM without a value, which PS3.3 C.18.1 allows: those are taken out, and counted."""
    if "ContentSequence" not in item:
        return 0
    kept = [child for child in item.ContentSequence if child.get("MeasuredValueSequence", [1])]
    removed = len(item.ContentSequence) - len(kept)
    item.ContentSequence = kept
    return removed + sum(without_empty_numbers(child) for child in kept)


def survives(path):
    """Whether pydicom writes what it read, and reads the same again."""
    first = dcmread(path)
    copy = io.BytesIO()
    first.save_as(copy)
    copy.seek(0)
    return dcmread(copy) == first


def region(roi):
    if roi is None:
        return None
    if isinstance(roi, hd.sr.VolumeSurface):
        data = roi.graphic_data if isinstance(roi.graphic_data, list) else [roi.graphic_data]
        return {
            "graphicTypes": [roi.graphic_type.value] * len(data),
            "points": [points.reshape(-1, 3).tolist() for points in data],
            "frameOfReference": str(roi.frame_of_reference_uid),
            "image": None,
        }
    selected = roi.ContentSequence[0].ReferencedSOPSequence[0]
    return {
        "graphicTypes": [roi.graphic_type.value],
        "points": [roi.value.reshape(-1, 2).tolist()],
        "frameOfReference": None,
        "image": selected.ReferencedSOPInstanceUID,
    }


def group(kind, read):
    roi = None if kind == "image" else read.roi
    segment = getattr(read, "referenced_segment", None)
    named = {item.ConceptNameCodeSequence[0].CodeValue: item for item in read[0].ContentSequence}
    return {
        "kind": kind,
        "trackingId": read.tracking_identifier,
        "trackingUid": read.tracking_uid,
        "algorithm": named["111001"].TextValue,
        "finding": code(read.finding_type) if read.finding_type else None,
        "evaluations": [[code(e.name), code(e.value)] for e in read.get_qualitative_evaluations()],
        "numbers": [[code(m.name), m.value, code(m.unit)] for m in read.get_measurements()],
        "region": region(roi if isinstance(roi, (hd.sr.VolumeSurface, hd.sr.ImageRegion)) else None),
        "segment": int(segment.referenced_segment_numbers[0]) if segment else None,
        "segmentation": str(segment.referenced_sop_instance_uid) if segment else None,
    }


def document(path):
    dataset = dcmread(path)
    removed = without_empty_numbers(dataset)
    content = hd.sr.Comprehensive3DSR.from_dataset(dataset).content
    return {
        "survives": survives(path),
        "withoutValue": removed,
        "groups": [group("planar", g) for g in content.get_planar_roi_measurement_groups()]
        + [group("volumetric", g) for g in content.get_volumetric_roi_measurement_groups()]
        + [group("image", g) for g in content.get_image_measurement_groups()],
    }


def segmentation(path):
    seg = hd.seg.segread(path)
    voxels = {number: 0 for number in seg.segment_numbers}
    for frame, groups in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence):
        voxels[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber] += int(frame.sum())
    return {
        "survives": survives(path),
        "sopInstanceUid": seg.SOPInstanceUID,
        "segments": [
            {"number": n, "trackingUid": seg.get_segment_description(n).TrackingUID, "voxels": voxels[n]}
            for n in seg.segment_numbers
        ],
    }


json.dump({"sr": document(sys.argv[1]), "segs": [segmentation(path) for path in sys.argv[2:]]}, sys.stdout)
