-- $first and $last bound the numbers of the rows of this slice: [first, last). Rows lie near their containers in
-- time; about 60 % of the containers have none, the others one to a handful. Every $unconfirmed_every-th row was issued to
-- its container but never confirmed there, so that its CONTAINERID is NULL.
INSERT INTO MES_LOT_MATERIALS
WITH uses AS (
    SELECT r, ((r // 4 * 4) * $containers // $rows + below(r, 'near', 8)) % $containers AS c
    FROM range($first, $last) numbers(r)
), parts AS (
    SELECT *, skewed(r, 'part', 24) AS part, skewed(r, 'station', 12) AS station, skewed(r, 'machine', 9) + 1 AS machine,
           started(c) + to_microseconds(below(r, 'wait', 28800000000)) AS taken,
           (1000000 + below(r, 'used', 900000000))::DECIMAL(18, 6) / 1000 AS used
    FROM uses
), lots AS (
    SELECT *, 'ML-' || lpad(part::VARCHAR, 2, '0') || '-' || strftime(taken, '%y%W') || '-' || lpad(skewed(r, 'lot', 40)::VARCHAR, 3, '0') AS lot
    FROM parts
)
SELECT 590200000000000000 + r,
       CASE WHEN r % $unconfirmed_every <> $unconfirmed_every - 1 THEN container_id(c) END, container_id(c),
       container_name(c), work_order(c), product(c), product_line(c), bill_of_process(c),
       lot, 'PN-' || (30000 + part * 17),
       ['金線 0.8 mil', '銀膠 84-1LMISR4', '環氧樹脂 EMC G770', '導線架 QFN', 'Solder ball SAC305', '切割刀片', 'UV 膠帶', 'Carrier tape 12 mm'][1 + (part % 8)::BIGINT]
           || ' – ' || pick(['standard', 'low-α', '"halogen-free"', 'A級', 'reel 13″'], part, 'grade'),
       pick(['田中貴金屬', 'Henkel AG & Co. KGaA', '住友電木', '長華電材', 'Heraeus', 'Disco', 'Lintec', '3M'], part, 'vendor'),
       'V' || upper(left(md5(lot), 12)), used, (used * (95 + below(r, 'plan', 10)) / 100)::DECIMAL(18, 6),
       CASE WHEN u(r, 'scraps') < 0.2 THEN (below(r, 'scrap', 40000)::DECIMAL(12, 3) / 1000)::DECIMAL(12, 3) END,
       pick(['g', 'm', 'pcs', 'mL'], part, 'unit'),
       (below(r, 'price', 5000000000000)::DECIMAL(38, 10) / 1000000000)::DECIMAL(38, 10),
       pick(['TWD', 'USD', 'JPY', 'EUR'], part, 'currency'),
       work_centre(station), 'WCG-' || (1 + station // 4), 'EQ' || lpad((station * 100 + machine)::VARCHAR, 5, '0'),
       work_centre_code(station) || '-' || lpad(machine::VARCHAR, 2, '0'),
       'SPEC-' || work_centre_code(station) || '-' || (100 + below(c // 1000, 'spec', 40)),
       'WH-' || pick(['N', 'S', 'E', 'W'], r, 'store') || '-' || lpad(below(r, 'shelf', 400)::VARCHAR, 3, '0'), 'FEEDER-' || (1 + below(r, 'feeder', 8)),
       uneven(taken, r, 'fraction'), date_trunc('second', taken - INTERVAL 9 DAY)::TIMESTAMP_S,
       CASE WHEN u(r, 'expires') > 0.05 THEN date_trunc('day', taken + to_days((30 + below(r, 'life', 300))::INTEGER))::TIMESTAMP_S END,
       24.0 + u(r, 'storage') * 4.0, CASE WHEN u(r, 'dry') > 0.3 THEN u(r, 'moisture') END, below(r, 'lane', 6), 1 + below(r, 'seq', 20),
       operator_name(r, 'by'), CASE WHEN u(r, 'checked') > 0.25 THEN operator_name(r, 'checker') END,
       'https://mes.example/material/' || lot || '?container=' || container_name(c) || '&station=' || station,
       'COA: Au ≥ 99.99 %; elongation=' || (20 + below(r, 'elongation', 60)) / 10.0 || '%; breakload=' || (90 + below(r, 'load', 60)) / 10.0
           || 'gf; batch checksum ' || md5('coa' || below(r, 'coa', 3000)) || '; inspected per IPC/JEDEC J-STD-020',
       readings(hex32(r, 'a1') || hex32(r, 'a2') || hex32(r, 'a3') || hex32(r, 'a4'), 'ASSAY'), remark(r, 'note')
FROM lots;
