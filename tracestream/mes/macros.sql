-- Draws of the demo data. Every value is a pure function of the row's number, a salt and the seed (MD5, which no DuckDB
-- version can change), so that rows can be made in any order, in slices, and come out the same.
CREATE OR REPLACE TEMP MACRO u(i, salt) AS
    (md5_number_lower(i::VARCHAR || salt || getvariable('seed')) >> 11)::DOUBLE / 9007199254740992.0;
CREATE OR REPLACE TEMP MACRO below(i, salt, n) AS floor(u(i, salt) * n)::BIGINT;
-- A skewed draw: of n, the first fifth comes up for about 58 % of the rows (Pareto).
CREATE OR REPLACE TEMP MACRO skewed(i, salt, n) AS floor(pow(u(i, salt), 3) * n)::BIGINT;
CREATE OR REPLACE TEMP MACRO pick(items, i, salt) AS items[1 + below(i, salt, len(items))];

-- As MES instance IDs are: ascending with gaps, all of one length.
CREATE OR REPLACE TEMP MACRO container_id(c) AS
    printf('4881%012x', 61203283968 + c::BIGINT * 4096 + below(c, 'id', 4096));
CREATE OR REPLACE TEMP MACRO lot(c) AS 'GA26' || lpad((c // 1000 + 1)::VARCHAR, 6, '0');
CREATE OR REPLACE TEMP MACRO container_name(c) AS lot(c) || '-A' || lpad((c % 1000)::VARCHAR, 3, '0');
CREATE OR REPLACE TEMP MACRO started(c) AS
    getvariable('first_day') + to_microseconds(c::BIGINT * getvariable('microseconds_between')::BIGINT);

-- Facts of a container, equal wherever it appears: all drawn from its lot or its own number.
CREATE OR REPLACE TEMP MACRO product_line(c) AS
    pick(['QFN-32', 'QFN-48', 'LQFP-100', 'BGA-256', 'SOP-8', 'TSSOP-20', 'WLCSP-25'], c // 1000, 'line');
CREATE OR REPLACE TEMP MACRO product(c) AS
    product_line(c) || '-' || pick(['AX', 'BT', 'CM', 'DR', 'EV'], c // 1000, 'series') || (1000 + below(c // 200, 'type', 60));
CREATE OR REPLACE TEMP MACRO bill_of_process(c) AS
    'BOP-' || product_line(c) || '-' || pick(['STD', 'AUTO', 'MED', 'MIL'], c // 1000, 'bop') || '-R' || (1 + below(c // 1000, 'rev', 9));
CREATE OR REPLACE TEMP MACRO work_order(c) AS 'WO-2026-' || lpad((c // 250 + 1)::VARCHAR, 7, '0');

CREATE OR REPLACE TEMP MACRO work_centre(n) AS
    ['晶圓切割', '晶粒黏著', '打線接合', '封膠', '去膠', '電鍍', '雷射打印', '切彎成型', 'Final Test', 'Burn-in', 'Visual Inspection',
     'Tape & Reel'][1 + n];
CREATE OR REPLACE TEMP MACRO work_centre_code(n) AS
    ['DS', 'DA', 'WB', 'MD', 'DJ', 'PL', 'LM', 'TF', 'FT', 'BI', 'VI', 'TR'][1 + n];
CREATE OR REPLACE TEMP MACRO loss_reason(n) AS
    ['晶粒缺角', '打線斷線', '溢膠', 'Bond lift', 'Delamination', '印字不良', 'Lead bent', 'Void > 5 %', '電性不良 (Open)', '電性不良 (Short)',
     '氧化', 'Foreign material', 'Wire sweep', '偏移', 'Crack "hairline"', 'Package chip', '錫鬚', 'Mixed lot', 'ESD', 'Miscount'][1 + n];
CREATE OR REPLACE TEMP MACRO operator_name(i, salt) AS
    pick(['王小明', '陳美玲', '林志豪', '張雅婷', '李建國', '黃淑芬', '吳宗憲', '劉怡君', '蔡依珊', '楊承翰', '許文龍', '鄭佩琪', '謝孟儒', '郭家豪',
          '洪詩涵', '邱俊傑', '曾馨儀', '廖偉誠', 'Nguyễn Thị Hồng', 'Trần Văn Đức', 'José Peña', 'Zoë Müller', 'Siti Nurhaliza', 'O''Brien, Seán'],
         i, salt);
CREATE OR REPLACE TEMP MACRO remark(i, salt) AS
    pick([NULL, NULL, NULL, NULL,
          '首件檢查 OK，膠量正常；下一站請注意方向。' || chr(10) || '第二行：溫度已重新校正。',
          'Operator wrote: "re-run after alarm 0x1F" \ see C:\recipe\wb\12.rcp',
          '抽驗 5 pcs，發現 1 pcs 外觀異常（刮傷），已隔離並通知製程工程師。',
          'Machine stopped at 03:14, restarted by shift leader; no material was scrapped.' || chr(9) || 'Ticket #4471',
          '等待工程判定 → 放行 (2 hrs) ✔', 'Hold released by QA – ±0.02 mm within limits, µ = 1.33', '換線後首批，請加嚴檢驗 🔍'], i, salt);
-- Collected data as an equipment interface stores it: many readings in one text, four hexadecimal digits each.
CREATE OR REPLACE TEMP MACRO hex32(i, salt) AS md5(i::VARCHAR || salt || getvariable('seed'));
CREATE OR REPLACE TEMP MACRO readings(hex, name) AS regexp_replace(hex, '(....)', name || '=\1;', 'g');
-- Fractions of a second as a plant's systems write them: none, thousandths, or all six digits.
CREATE OR REPLACE TEMP MACRO uneven(t, i, salt) AS
    CASE below(i, salt, 4) WHEN 0 THEN date_trunc('microsecond', t) WHEN 1 THEN date_trunc('millisecond', t) ELSE date_trunc('second', t) END;
