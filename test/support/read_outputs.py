"""Reads a SEG and an SR back with highdicom and pydicom, and prints what they hold as JSON.

Usage: read_outputs.py SEG SR MASKS SOP_INSTANCE_UID ...
MASKS receives one byte a voxel: segments, then slices in the order of the UIDs, rows, columns; MASKS.volume the first
segment again, in the order and place of the volume that highdicom makes of it.
"""
import json
import sys

import highdicom as hd
import numpy as np
from pydicom import dcmread


def code(concept):
    return [concept.value, concept.scheme_designator, concept.meaning]


def modifier(property_type):
    items = property_type.get("SegmentedPropertyTypeModifierCodeSequence", [])
    return [items[0].CodeValue, items[0].CodingSchemeDesignator, items[0].CodeMeaning] if items else None


def segmentation(path, masks, uids):
    seg = hd.seg.segread(path)
    pixels = seg.get_pixels_by_source_instance(
        source_sop_instance_uids=uids, assert_missing_frames_are_empty=True
    )
    # slices, rows, columns, segments -> segments first
    np.moveaxis(pixels, -1, 0).astype(np.uint8).tofile(masks)
    shared = seg.SharedFunctionalGroupsSequence[0]
    frames = []
    for group in seg.PerFrameFunctionalGroupsSequence:
        frames.append(
            {
                "segment": int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber),
                "position": [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient],
                "source": group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID,
                "index": list(group.FrameContentSequence[0].DimensionIndexValues),
            }
        )
    try:
        array = seg.get_volume(segment_numbers=[1], combine_segments=True)
        array.array.astype(np.uint8).tofile(masks + ".volume")
        volume = {"affine": array.affine.tolist(), "shape": list(array.array.shape)}
    except RuntimeError:  # the planes of a tilted gantry are no regular volume to highdicom
        volume = None
    return {
        "orientation": [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient],
        "pixelSpacing": [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing],
        "frameOfReference": seg.FrameOfReferenceUID,
        "frames": frames,
        "volume": volume,
        "segments": [
            {
                "number": int(s.SegmentNumber),
                "label": s.SegmentLabel,
                "trackingId": s.TrackingID,
                "trackingUid": s.TrackingUID,
                "property": code(s.segmented_property_type),
                "laterality": modifier(s.SegmentedPropertyTypeCodeSequence[0]),
            }
            for s in (seg.get_segment_description(n) for n in seg.segment_numbers)
        ],
    }


def measurements(group):
    return [
        {
            "name": code(m.name),
            "value": m.value,
            "unit": code(m.unit),
            "derivation": code(m.derivation) if m.derivation else None,
            "qualifier": code(m.qualifier) if m.qualifier else None,
        }
        for m in group.get_measurements()
    ]


def group_summary(group):
    segment = getattr(group, "referenced_segment", None)
    sites = group.finding_sites
    return {
        "trackingId": group.tracking_identifier,
        "trackingUid": group.tracking_uid,
        "finding": code(group.finding_type) if group.finding_type else None,
        "category": code(group.finding_category) if group.finding_category else None,
        "site": code(sites[0].value) if sites else None,
        "laterality": code(sites[0].laterality) if sites and sites[0].laterality else None,
        "segment": int(segment.referenced_segment_numbers[0]) if segment else None,
        "segmentation": segment.referenced_sop_instance_uid if segment else None,
        "sourceSeries": str(segment.source_series_for_segmentation.value)
        if segment and not segment.has_source_images()
        else None,
        "evaluations": [[code(e.name), code(e.value)] for e in group.get_qualitative_evaluations()],
        "measurements": measurements(group),
    }


def document(path):
    report = hd.sr.srread(path)
    content = report.content
    return {
        "verification": report.VerificationFlag,
        "preliminary": report.PreliminaryFlag,
        "observers": [
            {"type": code(o.observer_type), "uid": getattr(o.observer_identifying_attributes, "uid", None)}
            for o in content.get_observer_contexts()
        ],
        "volumetric": [group_summary(g) for g in content.get_volumetric_roi_measurement_groups()],
        "image": [group_summary(g) for g in content.get_image_measurement_groups()],
        "patientName": str(dcmread(path).PatientName),
    }


def main():
    seg_path, sr_path, masks, *uids = sys.argv[1:]
    json.dump({"seg": segmentation(seg_path, masks, uids), "sr": document(sr_path)}, sys.stdout)


main()
