/** What a vocational school teaches, and whom. The people come from Faker: nobody of them exists. */

export const SUBJECTS = [
  ['D', 'Deutsch'],
  ['E', 'Englisch'],
  ['M', 'Mathematik'],
  ['PGW', 'Politik und Gesellschaft'],
  ['ETH', 'Ethik'],
  ['SPO', 'Sport'],
  ['AE', 'Anwendungsentwicklung'],
  ['ITS', 'IT-Systeme'],
  ['NT', 'Netzwerktechnik'],
  ['ET', 'Elektrotechnik'],
  ['BWL', 'Betriebswirtschaft'],
  ['RW', 'Rechnungswesen'],
] as const;

type Short = (typeof SUBJECTS)[number][0];

const GENERAL: readonly Short[] = ['D', 'E', 'M', 'PGW', 'ETH', 'SPO'];

export const BRANCHES: readonly {
  readonly classes: readonly string[];
  readonly subjects: readonly Short[];
}[] = [
  { classes: ['IT1A', 'IT1B', 'IT2A', 'IT3A'], subjects: [...GENERAL, 'AE', 'ITS', 'NT'] },
  { classes: ['EL1A', 'EL2A', 'EL3A'], subjects: [...GENERAL, 'ET', 'ITS'] },
  { classes: ['KB1A', 'KB2A', 'KB3A', 'WG11', 'WG12'], subjects: [...GENERAL, 'BWL', 'RW'] },
];

export const PERIODS = [
  ['07:45', '08:30'],
  ['08:30', '09:15'],
  ['09:35', '10:20'],
  ['10:20', '11:05'],
  ['11:25', '12:10'],
  ['12:10', '12:55'],
  ['13:15', '14:00'],
  ['14:00', '14:45'],
] as const;

export const ROOMS = ['A', 'B', 'C'].flatMap((house) =>
  [1, 2].flatMap((floor) => [1, 2, 3].map((door) => `${house}${floor}0${door}`)),
);

export const APPOINTMENTS = [
  'Berufsberatung der Agentur für Arbeit',
  'Besuch der Ausbildungsmesse',
  'Betriebsbesichtigung',
  'Bibliotheksführung',
  'Elternabend',
  'Erste-Hilfe-Kurs',
  'Exkursion ins Technikmuseum',
  'Fototermin',
  'Gespräch mit den Ausbildungsbetrieben',
  'Klassenkonferenz',
  'Klassenrat',
  'Präsentation der Projektarbeiten',
  'Sicherheitsunterweisung in der Werkstatt',
  'Theaterbesuch',
  'Workshop Bewerbung',
] as const;

export const WHOLE_SCHOOL = [
  'Gesamtkonferenz',
  'Tag der offenen Tür',
  'Pädagogischer Tag',
  'Sportfest',
  'Feueralarmübung',
  'Zeugnisausgabe',
  'Schulversammlung',
] as const;
